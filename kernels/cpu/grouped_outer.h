#pragma once

#include "kernels/cpu/grouped_product.h"

// Weight gradients of convolutions of many small groups: a lane is an output channel, and sums the products of its
// gradient with each input channel of its group over the pixels.

namespace lv::kernels::cpu::LV_ISA {

struct GroupSumTag;
struct GroupGradTag;

/// dw[o][tap][c] = sum over the output pixels of grad[pixel][o] x[pixel of the tap][c], c within the group of o.
/// `shape` is the forward pass', grad lies as its outputs do.
template <class T>
class GroupedOuterProduct {
 public:
  using S = ComputeType<T>;
  using M = PlainMath<S>;
  using V = simd::Vec<S>;

  GroupedOuterProduct(const GatherShape& shape, const GroupLanes& lanes, const T* x, const T* grad)
      : shape_(shape),
        lanes_(lanes),
        x_(x),
        grad_(grad),
        limits_(tap_limits(shape.taps)),
        spread_(lanes.spread<M>()),
        blocks_(lanes.blocks<M>()) {}

  /// dw: [O, taps, C / groups], dense.
  void run(T* dw) {
    constexpr int64_t kPixelBytes = 256 << 10;
    const int64_t line_bytes = (shape_.line_step * in_columns() + grad_columns()) * blocks_ * int64_t(sizeof(V));
    lines_of_band_ = std::clamp<int64_t>(kPixelBytes / line_bytes, 1, shape_.lines);
    const int64_t bands = shape_.images * chunk_count(shape_.lines, lines_of_band_);
    const int64_t parts = std::min<int64_t>(bands, 8);
    const int64_t size = blocks_ * taps() * lanes_.in * kLanes;
    S* sums = thread_scratch<GroupSumTag, S>(size_t(parts * size));
    parallel_for(parts, 1, [&](int64_t part, int64_t) {
      std::fill_n(sums + part * size, size, S(0));
      for (int64_t band = bands * part / parts; band < bands * (part + 1) / parts; ++band) {
        add_band(band, sums + part * size);
      }
    });
    for (int64_t part = 1; part < parts; ++part) {
      for (int64_t i = 0; i < size; ++i) {
        sums[i] += sums[part * size + i];
      }
    }
    store(sums, dw);
  }

 private:
  static constexpr int64_t kLanes = V::kLanes;
  static constexpr int kTaps = 3;      // of a tile of sums
  static constexpr int kChannels = 4;  // of a tile of sums

  /// Arrays of one block and band: lines of vectors.
  struct Lines {
    const S* x;
    const S* grad;
    int64_t x_step, grad_step;  // between lines
    int64_t count;
  };

  [[nodiscard]] int64_t taps() const { return int64_t(shape_.taps.size()); }
  [[nodiscard]] int64_t in_columns() const {
    return (shape_.columns - 1) * shape_.column_step + limits_.right - limits_.left + 1;
  }
  /// With zeros on both sides, for taps that stand beside the output.
  [[nodiscard]] int64_t grad_columns() const { return shape_.columns + 2 * (kTaps - 1); }

  void add_band(int64_t band, S* sums) const {
    const int64_t bands_of_image = chunk_count(shape_.lines, lines_of_band_);
    const int64_t image = band / bands_of_image;
    const int64_t first = band % bands_of_image * lines_of_band_;
    const int64_t lines = std::min(lines_of_band_, shape_.lines - first);
    const int64_t in_lines = (lines - 1) * shape_.line_step + limits_.bottom - limits_.top + 1;
    const int64_t x_step = in_columns() * kLanes;
    const int64_t grad_step = grad_columns() * kLanes;
    S* x = thread_scratch<GroupPixelTag, S>(size_t(blocks_ * in_lines * x_step));
    S* grad = thread_scratch<GroupGradTag, S>(size_t(blocks_ * lines * grad_step));
    for (int64_t line = 0; line < in_lines; ++line) {
      pack_group_input<M>(shape_, lanes_, x_, image, first * shape_.line_step + limits_.top + line, limits_.left,
                          in_columns(), x + line * x_step, in_lines * x_step);
    }
    for (int64_t line = 0; line < lines; ++line) {
      pack_group_line<M>(lanes_, lanes_.out, grad_ + image * shape_.out_image + (first + line) * shape_.out_line,
                         shape_.out_pixel, kTaps - 1, kTaps - 1 + shape_.columns, grad_columns(),
                         grad + line * grad_step, lines * grad_step);
    }
    for (int64_t block = 0; block < blocks_; ++block) {
      const Lines at{.x = x + block * in_lines * x_step,
                     .grad = grad + block * lines * grad_step + (kTaps - 1) * kLanes,
                     .x_step = x_step,
                     .grad_step = grad_step,
                     .count = lines};
      for (int64_t tap = 0; tap < taps(); tap += kTaps) {
        for (int64_t channel = 0; channel < lanes_.in; channel += kChannels) {
          add_tile(at, tap, channel, sums + ((block * taps() + tap) * lanes_.in + channel) * kLanes);
        }
      }
    }
  }

  void add_tile(const Lines& lines, int64_t tap, int64_t channel, S* to) const {
    const bool is_broadcast = lanes_.out == kLanes && lanes_.in % kChannels == 0;
    if (lanes_.in == 1 && lanes_.out == 1) {
      is_run(tap) ? add_products<1, true, false>(lines, tap, channel, to)
                  : add_products<1, false, false>(lines, tap, channel, to);
    } else if (is_broadcast) {
      add_products<kChannels, false, true>(lines, tap, channel, to);
    } else {
      is_run(tap) ? add_products<kChannels, true, false>(lines, tap, channel, to)
                  : add_products<kChannels, false, false>(lines, tap, channel, to);
    }
  }

  /// Whether the kTaps taps from `tap` on lie beside each other in input and output alike.
  [[nodiscard]] bool is_run(int64_t tap) const {
    if (tap + kTaps > taps() || shape_.column_step != 1) {
      return false;
    }
    const auto& [line, column] = shape_.taps[size_t(tap)];
    for (int64_t i = 1; i < kTaps; ++i) {
      const auto& next = shape_.taps[size_t(tap + i)];
      if (next.line != line || next.column != column + i) {
        return false;
      }
    }
    return true;
  }

  /// Adds the sums of kTaps taps and kCount input channels. What is beyond the last tap or channel repeats the first
  /// one, and is dropped. The taps of a run share each input pixel's spread channels; kIsBroadcast is for groups as
  /// wide as a vector.
  template <int kCount, bool kIsRun, bool kIsBroadcast>
  void add_products(const Lines& lines, int64_t tap, int64_t channel, S* to) const {
    const S* from[kTaps];
    for (int i = 0; i < kTaps; ++i) {
      const auto& [line, column] = shape_.taps[size_t(tap + i < taps() ? tap + i : tap)];
      from[i] = lines.x + (line - limits_.top) * lines.x_step + (column - limits_.left) * kLanes;
    }
    simd::Vec<simd::IntOf<S>> spread[kCount];
    for (int c = 0; c < kCount; ++c) {
      spread[c] = simd::load(spread_.data() + (channel + c < lanes_.in ? channel + c : channel) * kLanes);
    }
    V sums[kTaps][kCount];
    for (auto& row : sums) {
      std::fill(std::begin(row), std::end(row), V(S(0)));
    }
    const int64_t step = shape_.column_step * kLanes;
    const int64_t columns = shape_.columns + (kIsRun ? kTaps - 1 : 0);
    for (int64_t line = 0; line < lines.count; ++line) {
      const S* grad = lines.grad + line * lines.grad_step;
      const int64_t start = line * shape_.line_step * lines.x_step;
      for (int64_t column = 0; column < columns; ++column, grad += kLanes) {
#pragma GCC unroll 4
        for (int c = 0; c < kCount; ++c) {
#pragma GCC unroll 4
          for (int i = 0; i < kTaps; ++i) {
            const S* pixel = from[kIsRun ? 0 : i] + start + column * step;
            const V factor = simd::load(kIsRun ? grad - i * kLanes : grad);
            const V value = kIsBroadcast  ? V(pixel[channel + c])
                            : kCount == 1 ? simd::load(pixel)
                                          : permute(simd::load(pixel), spread[c]);
            sums[i][c] = fma(factor, value, sums[i][c]);
          }
        }
      }
    }
    for (int64_t i = 0; i < std::min<int64_t>(kTaps, taps() - tap); ++i) {
      for (int64_t c = 0; c < std::min<int64_t>(kCount, lanes_.in - channel); ++c) {
        S* at = to + (i * lanes_.in + c) * kLanes;
        simd::store(at, simd::load(at) + sums[i][c]);
      }
    }
  }

  void store(const S* sums, T* dw) const {
    for (int64_t o = 0; o < lanes_.groups * lanes_.out; ++o) {
      for (int64_t tap = 0; tap < taps(); ++tap) {
        for (int64_t c = 0; c < lanes_.in; ++c) {
          dw[(o * taps() + tap) * lanes_.in + c] =
              convert<T>(sums[((o / kLanes * taps() + tap) * lanes_.in + c) * kLanes + o % kLanes]);
        }
      }
    }
  }

  const GatherShape& shape_;
  GroupLanes lanes_;
  const T* x_;
  const T* grad_;
  GatherShape::Limits limits_;
  std::vector<simd::IntOf<S>> spread_;
  int64_t blocks_;
  int64_t lines_of_band_ = 1;
};

}  // namespace lv::kernels::cpu::LV_ISA
