#pragma once

#include "core/parallel.h"
#include "kernels/cpu/gather_shape.h"
#include "kernels/cpu/outer_tile.h"
#include "kernels/cpu/scratch.h"

// Sums over pixels of the outer products of two arrays' channels: weight gradients of convolutions, and matrix products
// with a transposed left side as the case of one tap.

namespace lv::kernels::cpu::LV_ISA {

/// Channels of pixels [image][line][column]; outside, and from pixel number `pixels` on, they are zero.
template <class T>
struct PixelArray {
  const T* data;
  int64_t lines, columns;
  int64_t step;  // elements between pixels
  int64_t channels;
  int64_t pixels;

  /// Pixels of a line: those in [begin, end) are at data + column * step.
  struct Line {
    const T* data;
    int64_t step, begin, end;

    /// Where a run of pixels begins, and the steps to the next pixel and channel. Outside there are zeros, again and
    /// again.
    struct Run {
      const T* data;
      int64_t step, channel_step;
    };
    [[nodiscard]] Run run(int64_t column) const {
      static constexpr T kZeros[2 * simd::kVectorBytes / sizeof(T)]{};
      const bool is_inside = begin <= column && column < end;
      return is_inside ? Run{data + column * step, step, 1} : Run{&kZeros[0], 0, 0};
    }
    /// Where the run from `column` on ends, at most `most`.
    [[nodiscard]] int64_t run_end(int64_t column, int64_t most) const {
      return std::min(most, column < begin ? begin : column < end ? end : most);
    }
  };
  /// The line, with its columns counted from `first_column` and channels from `channel`.
  [[nodiscard]] Line line(int64_t image, int64_t number, int64_t first_column, int64_t channel) const {
    if (number < 0 || number >= lines) {
      return {nullptr, 0, 0, 0};
    }
    const int64_t pixel = (image * lines + number) * columns;
    const int64_t end = std::min(columns, pixels - pixel);
    return {data + (pixel + first_column) * step + channel, step, -first_column, end - first_column};
  }
};

/// dw[o][tap][c] = sum over the pixels of grad of grad[pixel][o] x[pixel of the tap][c].
template <class T>
struct OuterShape {
  PixelArray<T> grad, x;
  int64_t images;
  int64_t line_step, column_step;  // of x between pixels of grad
  const std::vector<GatherShape::Tap>& taps;
};

struct PackedGradTag;
struct PackedInputTag;
struct PartialSumTag;

/// `count` <= kLanes elements of one or, in pairs, two pixels as units; zeros in the other lanes.
template <class M, class T>
typename M::Units load_units(const T* first, const T* second, int64_t count) {
  using Units = typename M::Units;
  if constexpr (M::kDepth == 1) {
    return simd::load(first, count);
  } else {
    const Units low = simd::bits_as<int32_t>(simd::load(first, count)) >> 16;
    return (low & Units(0xffff)) | simd::bits_as<int32_t>(simd::load(second, count));
  }
}

template <class M, class T>
class OuterProduct {
 public:
  using Unit = typename M::Unit;
  using Sum = typename M::Sum;

  explicit OuterProduct(const OuterShape<T>& shape) : shape_(shape), limits_(tap_limits(shape.taps)) {
    plan_pixels();
    plan_tasks();
  }

  /// dw: [O, taps, C], dense.
  void run(T* dw) {
    const int64_t channels = shape_.x.channels;
    const auto taps = int64_t(shape_.taps.size());
    if (parts_ == 1 && (std::is_same_v<T, Sum> || strips_ <= strips_of_chunk_)) {
      run_tasks([&](int64_t) { return Target<T>{dw, taps * channels, channels, channels}; });
      return;
    }
    const int64_t padded = column_panels_ * kColumns;
    const int64_t size = shape_.grad.channels * taps * padded;
    Sum* sums = thread_scratch<PartialSumTag, Sum>(size_t(parts_ * size));
    run_tasks([&](int64_t part) { return Target<Sum>{sums + part * size, taps * padded, padded, padded}; });
    parallel_for(shape_.grad.channels * taps, std::max<int64_t>(1, 8192 / padded), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        add_parts(sums + row * padded, size, dw + row * channels);
      }
    });
  }

 private:
  static constexpr int64_t kLanes = M::Sums::kLanes;
  static constexpr int64_t kColumns = 2 * kLanes;

  /// Bands of lines, as many streams of them as a unit has elements, and chunks of strips that stay in the caches.
  void plan_pixels() {
    constexpr int64_t kBandPixels = 256;
    const auto& grad = shape_.grad;
    const int64_t streams = shape_.images < M::kDepth ? M::kDepth : 1;  // that an image has to feed
    const int64_t most = std::clamp<int64_t>(kBandPixels / grad.columns, 1, chunk_count(grad.lines, streams));
    bands_of_image_ = chunk_count(grad.lines, most);
    lines_ = chunk_count(grad.lines, bands_of_image_);
    bands_ = shape_.images * bands_of_image_;
    strips_ = chunk_count(bands_, M::kDepth);
    strips_of_chunk_ = std::max<int64_t>(1, kBandPixels / (lines_ * grad.columns));
    in_lines_ = (lines_ - 1) * shape_.line_step + limits_.bottom - limits_.top + 1;
    in_columns_ = (grad.columns - 1) * shape_.column_step + limits_.right - limits_.left + 1;
  }

  void plan_tasks() {
    constexpr int64_t kTasks = 8;
    constexpr int64_t kPartialBytes = 4 << 20;
    const int64_t outs = shape_.grad.channels;
    row_panels_ = chunk_count(outs, kMaxOuterRows);
    rows_ = std::max<int64_t>(kMinOuterRows, chunk_count(outs, row_panels_));
    column_panels_ = chunk_count(shape_.x.channels, kColumns);
    const int64_t bytes = outs * int64_t(shape_.taps.size()) * column_panels_ * kColumns * int64_t(sizeof(Sum));
    parts_ = std::clamp<int64_t>(kPartialBytes / bytes, 1, std::min(kTasks, chunk_count(strips_, strips_of_chunk_)));
    const int64_t wanted = chunk_count(kTasks, parts_);
    // The operand that is not cut is packed once for each block of the other.
    const bool cuts_columns =
        shape_.x.channels * in_lines_ * in_columns_ >= outs * lines_ * shape_.grad.columns && column_panels_ > 1;
    panels_of_block_ = cuts_columns ? chunk_count(column_panels_, wanted) : column_panels_;
    column_blocks_ = chunk_count(column_panels_, panels_of_block_);
    rows_of_block_ = cuts_columns ? row_panels_ : chunk_count(row_panels_, wanted);
    row_blocks_ = chunk_count(row_panels_, rows_of_block_);
  }

  /// Results [O][taps][columns]: steps between rows and taps, and how many columns there are.
  template <class Out>
  struct Target {
    Out* data;
    int64_t row_step, tap_step, columns;
  };

  /// target(part) is where a part of the pixels has its sums.
  template <class Fn>
  void run_tasks(const Fn& target) const {
    const int64_t blocks = row_blocks_ * column_blocks_;
    parallel_for(parts_ * blocks, 1, [&](int64_t task, int64_t) {
      const int64_t block = task % blocks;
      run_task(task / blocks, block / column_blocks_, block % column_blocks_, target(task / blocks));
    });
  }

  /// Packed panels of a task.
  struct Panels {
    int64_t first, count;
    int64_t units;  // from one to the next
  };

  template <class Out>
  void run_task(int64_t part, int64_t row_block, int64_t column_block, const Target<Out>& target) const {
    const int64_t begin = strips_ * part / parts_;
    const int64_t end = strips_ * (part + 1) / parts_;
    const int64_t first_row = row_block * rows_of_block_;
    const int64_t first_column = column_block * panels_of_block_;
    const Panels rows{.first = first_row,
                      .count = std::min(rows_of_block_, row_panels_ - first_row),
                      .units = strips_of_chunk_ * lines_ * shape_.grad.columns * rows_ + kColumns};
    const Panels columns{.first = first_column,
                         .count = std::min(panels_of_block_, column_panels_ - first_column),
                         .units = strips_of_chunk_ * in_lines_ * in_columns_ * kColumns};
    Unit* grad = thread_scratch<PackedGradTag, Unit>(size_t(rows.count * rows.units));
    Unit* x = thread_scratch<PackedInputTag, Unit>(size_t(columns.count * columns.units));
    for (int64_t strip = begin; strip < end; strip += strips_of_chunk_) {
      const int64_t strips = std::min(strips_of_chunk_, end - strip);
      pack_grad(strip, strips, rows, grad);
      pack_x(strip, strips, columns, x);
      for (int64_t column = 0; column < columns.count; ++column) {
        for (int64_t row = 0; row < rows.count; ++row) {
          multiply(strips, strip > begin, first_row + row, grad + row * rows.units, first_column + column,
                   x + column * columns.units, target);
        }
      }
    }
  }

  /// Adds a chunk's sums of one panel of rows and one of columns, for every tap.
  template <class Out>
  void multiply(int64_t strips, bool accumulates, int64_t row_panel, const Unit* grad, int64_t column_panel,
                const Unit* x, const Target<Out>& target) const {
    const PixelWalk walk{.strips = strips,
                         .lines = lines_,
                         .columns = shape_.grad.columns,
                         .strip_step = in_lines_ * in_columns_ * kColumns,
                         .line_step = shape_.line_step * in_columns_ * kColumns,
                         .column_step = shape_.column_step * kColumns};
    OuterTile<Out> tile{.data = target.data + row_panel * rows_ * target.row_step + column_panel * kColumns,
                        .step = target.row_step,
                        .rows = int(std::min(rows_, shape_.grad.channels - row_panel * rows_)),
                        .columns = std::min(kColumns, target.columns - column_panel * kColumns)};
    visit_rows([&]<int kRows>() {
      for (const auto& [line, column] : shape_.taps) {
        const int64_t first = ((line - limits_.top) * in_columns_ + column - limits_.left) * kColumns;
        add_outer_products<M, kRows, Out>(grad, x + first, walk, accumulates, tile);
        tile.data += target.tap_step;
      }
    });
  }

  template <class Fn>
  void visit_rows(Fn&& fn) const {
    [&]<int... kOffset>(std::integer_sequence<int, kOffset...>) {
      ((rows_ == kMinOuterRows + kOffset ? fn.template operator()<kMinOuterRows + kOffset>() : void()), ...);
    }(std::make_integer_sequence<int, kMaxOuterRows - kMinOuterRows + 1>{});
  }

  /// Where a band begins.
  struct Band {
    int64_t image, line;
  };
  /// The band of a strip's stream; far outside where the last strip has none.
  [[nodiscard]] Band band(int64_t strip, int stream) const {
    const int64_t index = strip + stream * strips_;
    return index < bands_ ? Band{index / bands_of_image_, index % bands_of_image_ * lines_}
                          : Band{0, -(int64_t{1} << 40)};
  }

  /// Rows in panels of [strips][lines][columns][rows_].
  void pack_grad(int64_t strip, int64_t strips, const Panels& panels, Unit* to) const {
    const auto& grad = shape_.grad;
    const int64_t first = panels.first * rows_;
    for (int64_t s = strip; s < strip + strips; ++s) {
      const Band one = band(s, 0);
      const Band two = band(s, M::kDepth - 1);
      for (int64_t line = 0; line < lines_; ++line, to += grad.columns * rows_) {
        pack_line(grad.line(one.image, one.line + line, 0, first), grad.line(two.image, two.line + line, 0, first),
                  grad.columns, grad.channels - first, panels, rows_, to);
      }
    }
  }

  /// Columns in panels of [strips][in_lines][in_columns][kColumns].
  void pack_x(int64_t strip, int64_t strips, const Panels& panels, Unit* to) const {
    const auto& x = shape_.x;
    const int64_t first = panels.first * kColumns;
    for (int64_t s = strip; s < strip + strips; ++s) {
      const Band one = band(s, 0);
      const Band two = band(s, M::kDepth - 1);
      for (int64_t i = 0; i < in_lines_; ++i, to += in_columns_ * kColumns) {
        const int64_t line = limits_.top + i;
        pack_line(x.line(one.image, one.line * shape_.line_step + line, limits_.left, first),
                  x.line(two.image, two.line * shape_.line_step + line, limits_.left, first), in_columns_,
                  x.channels - first, panels, kColumns, to);
      }
    }
  }

  using Line = typename PixelArray<T>::Line;

  /// The first `channels` of the pixels of a line, or of two as pairs, `width` of them in each panel. Pixel by pixel,
  /// as they lie in memory. The vector that holds the last channels of a pixel in a panel goes beyond them, into what
  /// the next pixel overwrites.
  static void pack_line(const Line& one, const Line& two, int64_t columns, int64_t channels, const Panels& panels,
                        int64_t width, Unit* to) {
    const int64_t whole = std::min(panels.count, channels / width);
    for (int64_t column = 0; column < columns;) {
      const int64_t end = two.run_end(column, one.run_end(column, columns));
      auto a = one.run(column);
      auto b = two.run(column);
      for (; column < end; ++column, a.data += a.step, b.data += b.step, to += width) {
        Unit* at = to;
        for (int64_t panel = 0; panel < whole; ++panel, at += panels.units) {
          const int64_t first = panel * width;
          pack_channels(a.data + first * a.channel_step, b.data + first * b.channel_step, width, width, at);
        }
        if (whole < panels.count) {
          const int64_t first = whole * width;
          pack_channels(a.data + first * a.channel_step, b.data + first * b.channel_step, channels - first, width, at);
        }
      }
    }
  }

  /// `count` channels, and zeros up to `width`.
  static void pack_channels(const T* a, const T* b, int64_t count, int64_t width, Unit* to) {
    for (int64_t i = 0; i < width; i += kLanes) {
      const int64_t present = std::clamp<int64_t>(count - i, 0, kLanes);
      simd::store(to + i, load_units<M>(a + i, b + i, present));
    }
  }

  /// One row of results: the sums of its parts, `size` apart.
  void add_parts(const Sum* sums, int64_t size, T* dw) const {
    for (int64_t c = 0; c < shape_.x.channels; c += kLanes) {
      auto sum = simd::load(sums + c);
      for (int64_t part = 1; part < parts_; ++part) {
        sum += simd::load(sums + part * size + c);
      }
      simd::store(dw + c, sum, std::min(kLanes, shape_.x.channels - c));
    }
  }

  const OuterShape<T>& shape_;
  GatherShape::Limits limits_;
  int64_t bands_of_image_, lines_, bands_;
  int64_t strips_, strips_of_chunk_;
  int64_t in_lines_, in_columns_;  // pixels of x that a band reads
  int64_t row_panels_, rows_, column_panels_;
  int64_t parts_, row_blocks_, rows_of_block_, column_blocks_, panels_of_block_;
};

/// c[i][j] = sum over k < depth of a[k * a_step + i] b[k * b_step + j], c: [rows, columns].
template <class M, class T>
void outer_product(const T* a, int64_t a_step, int64_t rows, const T* b, int64_t b_step, int64_t columns, int64_t depth,
                   T* c) {
  constexpr int64_t kLine = 256;
  const int64_t line = chunk_count(depth, 2 * chunk_count(depth, 2 * kLine));  // an even number of equal ones
  const auto pixels = [&](const T* data, int64_t step, int64_t channels) {
    return PixelArray<T>{.data = data,
                         .lines = chunk_count(depth, line),
                         .columns = line,
                         .step = step,
                         .channels = channels,
                         .pixels = depth};
  };
  const std::vector<GatherShape::Tap> taps{{0, 0}};
  const OuterShape<T> shape{.grad = pixels(a, a_step, rows),
                            .x = pixels(b, b_step, columns),
                            .images = 1,
                            .line_step = 1,
                            .column_step = 1,
                            .taps = taps};
  OuterProduct<M, T>(shape).run(c);
}

}  // namespace lv::kernels::cpu::LV_ISA
