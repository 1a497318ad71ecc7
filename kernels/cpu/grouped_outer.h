#pragma once

#include <vector>

#include "core/parallel.h"
#include "kernels/conv.h"
#include "kernels/cpu/group_lanes.h"
#include "kernels/cpu/pixel_lines.h"
#include "kernels/cpu/scratch.h"

// Weight gradients of convolutions of many small groups: a lane is an output channel, and sums the products of its
// gradient with each input channel of its group over the pixels. Pairs join the same pixel of two images, or of two
// halves of one, as those of OuterProduct do.

namespace lv::kernels::cpu::LV_ISA {

struct GroupSumTag;
struct GroupInputTag;
struct GroupGradTag;

/// dw[o][tap][c] = sum over the output pixels of grad[pixel][o] x[pixel of the tap][c], c within the group of o.
template <class M, class T>
class GroupedOuterProduct {
 public:
  using Lanes = PlainMath<ComputeType<T>>;  // one input channel a unit, whatever M joins
  using Unit = typename M::Unit;
  using Units = typename M::Units;
  using Sum = typename M::Sum;
  using Sums = typename M::Sums;

  GroupedOuterProduct(const ConvShape& conv, const GroupLanes& lanes, int64_t images, const PixelArray<T>& x,
                      const PixelArray<T>& grad)
      : height_(conv.height),
        width_(conv.width),
        lanes_(lanes),
        images_(images),
        x_(x),
        grad_(grad),
        spread_(lanes.spread<Lanes>()),
        blocks_(lanes.blocks<Lanes>()) {}

  /// dw: [O, taps, C / groups], dense.
  void run(T* dw) {
    plan();
    const int64_t size = blocks_ * block_size();
    const int64_t chunks = chunk_count(blocks_, blocks_of_chunk_);
    Sum* sums = thread_scratch<GroupSumTag, Sum>(size_t(parts_ * size));
    parallel_for(parts_ * chunks, 1, [&](int64_t task, int64_t) {
      const int64_t block = task % chunks * blocks_of_chunk_;
      run_task(task / chunks, block, std::min(blocks_of_chunk_, blocks_ - block),
               sums + task / chunks * size + block * block_size());
    });
    parallel_for(blocks_, 1 + 4096 / block_size(), [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        store(sums + block * block_size(), size, block, dw);
      }
    });
  }

 private:
  static constexpr int64_t kLanes = Sums::kLanes;
  static constexpr int kChannels = 4;  // of a tile of sums

  /// Lines of taps in a tile of depthwise sums: as high as wide, where the registers suffice.
  static constexpr int lines_of_tile(int taps) { return std::min(taps, (simd::kVectorBytes == 64 ? 28 : 12) / taps); }

  [[nodiscard]] int64_t taps() const { return height_.kernel * width_.kernel; }
  [[nodiscard]] int64_t block_size() const { return taps() * lanes_.in * kLanes; }
  [[nodiscard]] int64_t window_lines() const { return (height_.kernel - 1) * height_.dilation + 1; }
  [[nodiscard]] int64_t in_columns() const {
    return (width_.out - 1) * width_.stride + (width_.kernel - 1) * width_.dilation + 1;
  }

  /// Bands of lines, as many streams of them as a unit has elements; as many blocks a task as have what a line needs
  /// in the second-level cache, for memory likes whole pixels; parts of the bands where there are too few blocks.
  void plan() {
    constexpr int64_t kBytes = 512 << 10;
    constexpr int64_t kTasks = 16;
    constexpr int64_t kMaxParts = 8;
    constexpr int64_t kBands = 4;
    bands_of_image_ = equal_bands(height_.out, chunk_count(kBands * M::kDepth, images_));
    strips_ = chunk_count(images_ * bands_of_image_, M::kDepth);
    const int64_t vectors = window_lines() * in_columns() + width_.out + taps() * lanes_.in;
    blocks_of_chunk_ = std::clamp<int64_t>(kBytes / (vectors * simd::kVectorBytes), 1, blocks_);
    blocks_of_chunk_ = chunk_count(blocks_, chunk_count(blocks_, blocks_of_chunk_));
    parts_ = std::clamp<int64_t>(chunk_count(kTasks, chunk_count(blocks_, blocks_of_chunk_)), 1,
                                 std::min(kMaxParts, strips_));
  }

  /// Where a band begins.
  struct Band {
    int64_t image, line;
  };
  /// The band of a strip's stream; far outside where the last strip has none.
  [[nodiscard]] Band band(int64_t strip, int stream) const {
    const int64_t index = strip + stream * strips_;
    const int64_t lines = height_.out / bands_of_image_;
    return index < images_ * bands_of_image_ ? Band{index / bands_of_image_, index % bands_of_image_ * lines}
                                             : Band{0, -(int64_t{1} << 40)};
  }

  /// One line of gradients and where the line of inputs for its first tap line is; pixels are that many units apart.
  struct Lines {
    const Unit* grad;
    int64_t grad_pixel;
    const LineWindow<Unit>* x;
    int64_t first, x_pixel;
  };

  void run_task(int64_t part, int64_t block, int64_t count, Sum* sums) const {
    const int64_t first_in = block * lanes_.block_units<Lanes>();
    const int64_t ins = std::min(count * lanes_.block_units<Lanes>(), x_.channels - first_in);
    const int64_t outs = std::min(count * kLanes, grad_.channels - block * kLanes);
    const PixelPanels x_panel{.count = 1, .width = spaced<Unit>(ins), .units = 0};
    const PixelPanels grad_panel{.count = 1, .width = spaced<Unit>(outs), .units = 0};
    const int64_t line_units = in_columns() * x_panel.width + kLanes;  // whole vectors are read and written
    Unit* grad = thread_scratch<GroupGradTag, Unit>(size_t(width_.out * grad_panel.width + kLanes));
    Unit* x = thread_scratch<GroupInputTag, Unit>(size_t(window_lines() * line_units));
    std::fill_n(sums, count * block_size(), Sum(0));
    for (int64_t strip = strips_ * part / parts_; strip < strips_ * (part + 1) / parts_; ++strip) {
      const Band one = band(strip, 0);
      const Band two = band(strip, M::kDepth - 1);
      LineWindow<Unit> window{.data = x, .lines = window_lines(), .line_units = line_units};
      for (int64_t line = 0; line < height_.out / bands_of_image_; ++line) {
        window.move_to(line * height_.stride, [&](int64_t number, Unit* to) {
          const auto x_line = [&](const Band& at) {
            return x_.line(at.image, at.line * height_.stride - height_.padding + number, -width_.padding, first_in);
          };
          pack_line<M, T>(x_line(one), x_line(two), in_columns(), ins, x_panel, to);
        });
        pack_line<M, T>(grad_.line(one.image, one.line + line, 0, block * kLanes),
                        grad_.line(two.image, two.line + line, 0, block * kLanes), width_.out, outs, grad_panel, grad);
        for (int64_t i = 0; i < count; ++i) {
          const Lines lines{.grad = grad + i * kLanes,
                            .grad_pixel = grad_panel.width,
                            .x = &window,
                            .first = line * height_.stride,
                            .x_pixel = x_panel.width};
          add_line(lines, i * lanes_.block_units<Lanes>(), sums + i * block_size());
        }
      }
    }
  }

  /// Adds the products of one line to a block's sums; its inputs begin at `unit` of a pixel.
  void add_line(const Lines& lines, int64_t unit, Sum* sums) const {
    const bool is_depthwise = lanes_.in == 1 && lanes_.out == 1;
    for (int64_t column = 0; column < width_.kernel;) {
      const int64_t left = width_.kernel - column;
      const int64_t offset = unit + column * width_.dilation * lines.x_pixel;
      Sum* to = sums + column * lanes_.in * kLanes;
      if (is_depthwise) {
        column += left >= 7   ? add_depthwise<7>(lines, offset, to)
                  : left >= 5 ? add_depthwise<5>(lines, offset, to)
                  : left >= 3 ? add_depthwise<3>(lines, offset, to)
                              : add_depthwise<1>(lines, offset, to);
      } else if (width_.dilation > 1 || width_.stride > 2 || width_.out < 2) {
        column += add_channels<1, 1>(lines, offset, to);
      } else {
        const auto add = [&]<int kStep>() {
          return left >= 3   ? add_channels<3, kStep>(lines, offset, to)
                 : left == 2 ? add_channels<2, kStep>(lines, offset, to)
                             : add_channels<1, kStep>(lines, offset, to);
        };
        column += width_.stride == 1 ? add.template operator()<1>() : add.template operator()<2>();
      }
    }
  }

  /// kTaps taps of every line of them, one channel a group. The number of taps.
  template <int kTaps>
  int64_t add_depthwise(const Lines& lines, int64_t offset, Sum* to) const {
    constexpr int kLines = lines_of_tile(kTaps);
    for (int64_t line = 0; line < height_.kernel; line += kLines) {
      add_window<kLines, kTaps>(lines, line, std::min<int64_t>(height_.kernel - line, kLines), offset, to);
    }
    return kTaps;
  }

  /// Sums of kLines x kTaps taps. Lines beyond `count` repeat the first, and are dropped.
  template <int kLines, int kTaps>
  void add_window(const Lines& lines, int64_t line, int64_t count, int64_t offset, Sum* to) const {
    const int64_t to_line = width_.kernel * kLanes;
    const Unit* from[kLines];
    Sums sums[kLines][kTaps];
#pragma GCC unroll 16
    for (int i = 0; i < kLines; ++i) {
      const int64_t number = lines.first + (line + (i < count ? i : 0)) * height_.dilation;
      from[i] = lines.x->data + lines.x->offset(number) + offset;
#pragma GCC unroll 8
      for (int tap = 0; tap < kTaps; ++tap) {
        sums[i][tap] = simd::load(to + (line + (i < count ? i : 0)) * to_line + tap * kLanes);
      }
    }
    const int64_t step = width_.stride * lines.x_pixel;
    const int64_t tap_step = width_.dilation * lines.x_pixel;
    const Unit* grad = lines.grad;
    for (int64_t column = 0; column < width_.out; ++column, grad += lines.grad_pixel) {
      const Units factor = simd::load(grad);
#pragma GCC unroll 16
      for (int i = 0; i < kLines; ++i) {
        const Unit* pixel = from[i] + column * step;
#pragma GCC unroll 8
        for (int tap = 0; tap < kTaps; ++tap) {
          sums[i][tap] = M::multiply_add(factor, simd::load(pixel + tap * tap_step), sums[i][tap]);
        }
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLines; ++i) {
      if (i < count) {
#pragma GCC unroll 8
        for (int tap = 0; tap < kTaps; ++tap) {
          simd::store(to + (line + i) * to_line + tap * kLanes, sums[i][tap]);
        }
      }
    }
  }

  /// kTaps taps of every line of them and all channels. The number of taps.
  template <int kTaps, int kStep>
  int64_t add_channels(const Lines& lines, int64_t offset, Sum* to) const {
    for (int64_t line = 0; line < height_.kernel; ++line) {
      const Unit* x = lines.x->data + lines.x->offset(lines.first + line * height_.dilation) + offset;
      Sum* at = to + line * width_.kernel * lanes_.in * kLanes;
      for (int64_t channel = 0; channel < lanes_.in; channel += kChannels) {
        if (lanes_.out == kLanes && lanes_.in % kChannels == 0) {
          add_tile<kTaps, kStep, true>(lines, x + channel, channel, at + channel * kLanes);
        } else {
          add_tile<kTaps, kStep, false>(lines, x, channel, at + channel * kLanes);
        }
      }
    }
    return kTaps;
  }

  /// Sums of kTaps taps beside each other and kChannels channels, for groups that are as wide as a vector or for
  /// narrower ones. All taps share each input pixel's spread channels. Channels beyond the last repeat the first, and
  /// are dropped. Inputs are kStep pixels apart, at one tap any number.
  template <int kTaps, int kStep, bool kIsBroadcast>
  void add_tile(const Lines& lines, const Unit* x, int64_t channel, Sum* to) const {
    const auto count = int(std::min<int64_t>(kChannels, lanes_.in - channel));
    const auto place = [&](int tap, int c) { return to + (tap * lanes_.in + (c < count ? c : 0)) * kLanes; };
    simd::Vec<simd::IntOf<Unit>> spread[kChannels];
    Sums sums[kTaps][kChannels];
#pragma GCC unroll 4
    for (int c = 0; c < kChannels; ++c) {
      spread[c] = simd::load(spread_.data() + (channel + (c < count ? c : 0)) * kLanes);
#pragma GCC unroll 4
      for (int tap = 0; tap < kTaps; ++tap) {
        sums[tap][c] = simd::load(place(tap, c));
      }
    }
    // The inputs from pixel kStep * column on meet outputs `column` - i for taps kStep * i and after. Before the first
    // and after the last output, only some i do: those in [kLow, kHigh].
    const auto add = [&]<int kLow, int kHigh>(int64_t column, const Unit* pixel) {
      constexpr int kPixels = std::min(kStep, kTaps - kLow * kStep);
      constexpr int kEnd = std::min(kTaps, (kHigh + 1) * kStep);
#pragma GCC unroll 2
      for (int r = 0; r < kPixels; ++r, pixel += lines.x_pixel) {
        Units values[kChannels];
#pragma GCC unroll 4
        for (int c = 0; c < kChannels; ++c) {
          values[c] = kIsBroadcast ? Units(pixel[c]) : permute(simd::load(pixel), spread[c]);
        }
#pragma GCC unroll 4
        for (int tap = kLow * kStep + r; tap < kEnd; tap += kStep) {
          const Units factor = simd::load(lines.grad + (column - tap / kStep) * lines.grad_pixel);
#pragma GCC unroll 4
          for (int c = 0; c < kChannels; ++c) {
            sums[tap][c] = M::multiply_add(factor, values[c], sums[tap][c]);
          }
        }
      }
    };
    constexpr int kLast = (kTaps - 1) / kStep;
    const int64_t step = width_.stride * lines.x_pixel;
    if constexpr (kLast > 0) {
      add.template operator()<0, 0>(0, x);
      add.template operator()<1, kLast>(width_.out, x + width_.out * step);
    }
    if constexpr (kLast > 1) {
      add.template operator()<0, 1>(1, x + step);
      add.template operator()<2, kLast>(width_.out + 1, x + (width_.out + 1) * step);
    }
    for (int64_t column = kLast; column < width_.out; ++column) {
      add.template operator()<0, kLast>(column, x + column * step);
    }
#pragma GCC unroll 4
    for (int tap = 0; tap < kTaps; ++tap) {
#pragma GCC unroll 4
      for (int c = 0; c < kChannels; ++c) {
        if (c < count) {
          simd::store(place(tap, c), sums[tap][c]);
        }
      }
    }
  }

  /// Adds a block's parts, `size` apart, and writes its rows of dw.
  void store(Sum* sums, int64_t size, int64_t block, T* dw) const {
    for (int64_t i = 0; i < block_size(); i += kLanes) {
      Sums sum = simd::load(sums + i);
      for (int64_t part = 1; part < parts_; ++part) {
        sum += simd::load(sums + part * size + i);
      }
      simd::store(sums + i, sum);
    }
    const int64_t row = taps() * lanes_.in;
    const int64_t rows = std::min(kLanes, lanes_.groups * lanes_.out - block * kLanes);
    for (int64_t o = 0; o < rows; ++o) {
      T* to = dw + (block * kLanes + o) * row;
      for (int64_t i = 0; i < row; ++i) {
        to[i] = convert<T>(sums[i * kLanes + o]);
      }
    }
  }

  const ConvAxis& height_;
  const ConvAxis& width_;
  GroupLanes lanes_;
  int64_t images_;
  PixelArray<T> x_, grad_;
  std::vector<simd::IntOf<Unit>> spread_;
  int64_t blocks_;
  int64_t bands_of_image_ = 1, strips_ = 1;  // strips: bands, or pairs of them
  int64_t blocks_of_chunk_ = 1, parts_ = 1;
};

}  // namespace lv::kernels::cpu::LV_ISA
