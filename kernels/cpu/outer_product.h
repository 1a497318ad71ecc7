#pragma once

#include "core/parallel.h"
#include "kernels/cpu/gather_shape.h"
#include "kernels/cpu/outer_tile.h"
#include "kernels/cpu/pixel_lines.h"
#include "kernels/cpu/scratch.h"

// Sums over pixels of the outer products of two arrays' channels: weight gradients of convolutions, and matrix products
// with a transposed left side as the case of one tap.

namespace lv::kernels::cpu::LV_ISA {

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
    const int64_t lines = shape_.grad.lines;
    const int64_t columns = shape_.grad.columns;
    const int64_t streams = shape_.images < M::kDepth ? M::kDepth : 1;  // that an image has to feed
    bands_of_image_ = equal_bands(lines, std::max(streams, chunk_count(lines * columns, kBandPixels)));
    grad_ = {.lines = lines / bands_of_image_, .columns = columns, .line_step = 1, .top = 0, .left = 0};
    x_ = {.lines = (grad_.lines - 1) * shape_.line_step + limits_.bottom - limits_.top + 1,
          .columns = (columns - 1) * shape_.column_step + limits_.right - limits_.left + 1,
          .line_step = shape_.line_step,
          .top = limits_.top,
          .left = limits_.left};
    bands_ = shape_.images * bands_of_image_;
    strips_ = chunk_count(bands_, M::kDepth);
    strips_of_chunk_ = std::max<int64_t>(1, kBandPixels / grad_.pixels());
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
    const bool cuts_columns = shape_.x.channels * x_.pixels() >= outs * grad_.pixels() && column_panels_ > 1;
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

  /// The pixels of an array that a band takes: lines from band.line * line_step + top on, columns from `left` on.
  struct PixelSpan {
    int64_t lines, columns;
    int64_t line_step, top, left;
    [[nodiscard]] int64_t pixels() const { return lines * columns; }
  };

  template <class Out>
  void run_task(int64_t part, int64_t row_block, int64_t column_block, const Target<Out>& target) const {
    const int64_t begin = strips_ * part / parts_;
    const int64_t end = strips_ * (part + 1) / parts_;
    const int64_t first_row = row_block * rows_of_block_;
    const int64_t first_column = column_block * panels_of_block_;
    const PixelPanels rows{.count = std::min(rows_of_block_, row_panels_ - first_row),
                           .width = rows_,
                           .units = strips_of_chunk_ * grad_.pixels() * rows_ + kColumns};
    const PixelPanels columns{.count = std::min(panels_of_block_, column_panels_ - first_column),
                              .width = kColumns,
                              .units = strips_of_chunk_ * x_.pixels() * kColumns};
    Unit* grad = thread_scratch<PackedGradTag, Unit>(size_t(rows.count * rows.units));
    Unit* x = thread_scratch<PackedInputTag, Unit>(size_t(columns.count * columns.units));
    for (int64_t strip = begin; strip < end; strip += strips_of_chunk_) {
      const int64_t strips = std::min(strips_of_chunk_, end - strip);
      pack(shape_.grad, grad_, strip, strips, first_row * rows_, rows, grad);
      pack(shape_.x, x_, strip, strips, first_column * kColumns, columns, x);
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
                         .lines = grad_.lines,
                         .columns = grad_.columns,
                         .strip_step = x_.pixels() * kColumns,
                         .line_step = x_.line_step * x_.columns * kColumns,
                         .column_step = shape_.column_step * kColumns};
    OuterTile<Out> tile{.data = target.data + row_panel * rows_ * target.row_step + column_panel * kColumns,
                        .step = target.row_step,
                        .rows = int(std::min(rows_, shape_.grad.channels - row_panel * rows_)),
                        .columns = std::min(kColumns, target.columns - column_panel * kColumns)};
    visit_rows([&]<int kRows>() {
      for (const auto& [line, column] : shape_.taps) {
        const int64_t first = ((line - limits_.top) * x_.columns + column - limits_.left) * kColumns;
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
    return index < bands_ ? Band{index / bands_of_image_, index % bands_of_image_ * grad_.lines}
                          : Band{0, -(int64_t{1} << 40)};
  }

  /// Packs strips of `array` as [panels][strips][span.lines][span.columns][panels.width].
  void pack(const PixelArray<T>& array, const PixelSpan& span, int64_t strip, int64_t strips, int64_t first_channel,
            const PixelPanels& panels, Unit* to) const {
    for (int64_t s = strip; s < strip + strips; ++s) {
      const Band one = band(s, 0);
      const Band two = band(s, M::kDepth - 1);
      for (int64_t line = span.top; line < span.top + span.lines; ++line, to += span.columns * panels.width) {
        pack_line<M, T>(array.line(one.image, one.line * span.line_step + line, span.left, first_channel),
                        array.line(two.image, two.line * span.line_step + line, span.left, first_channel), span.columns,
                        array.channels - first_channel, panels, to);
      }
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
  int64_t bands_of_image_, bands_;
  PixelSpan grad_, x_;  // of a band
  int64_t strips_, strips_of_chunk_;
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
