#pragma once

#include <algorithm>
#include <numeric>

#include "core/parallel.h"
#include "kernels/axial_attention.h"
#include "kernels/cpu/transpose.h"
#include "kernels/simd/vec.h"

// Note [Pairs in lanes]. Axial attention computes as many pairs (row, head) at once as a vector has lanes, pair number
// row * heads + head, each lane one pair: no step crosses lanes, and no size of a line or of a head leaves lanes idle.
// So the inputs are turned once: an array of a block is [channel][position][lane], with an odd number of positions, so
// that channels do not compete for the same few sets of a cache. The lanes of a block are neighbours in memory along
// the channels, so that whole cache lines are read along either axis of the image.

namespace lv::kernels::cpu::LV_ISA {

template <class S>
inline constexpr int64_t kLanes = simd::Vec<S>::kLanes;

/// The blocks of pairs of an array.
template <class S>
class PairBlocks {
 public:
  explicit PairBlocks(const AxialShape& shape)
      : pairs_(shape.pairs()), heads_(shape.heads), kinds_(heads_ / std::gcd(heads_, kLanes<S>)) {}

  [[nodiscard]] int64_t count() const { return chunk_count(pairs_, kLanes<S>); }
  /// Blocks with equal numbers modulo kinds() have the same heads in their lanes.
  [[nodiscard]] int64_t kinds() const { return std::min(kinds_, std::max<int64_t>(count(), 1)); }
  [[nodiscard]] int64_t head(int64_t block, int64_t lane) const { return (block * kLanes<S> + lane) % heads_; }
  /// The lanes that hold a pair.
  [[nodiscard]] int64_t lanes(int64_t block) const { return std::min(kLanes<S>, pairs_ - block * kLanes<S>); }
  /// factors[head] of each lane.
  template <class F>
  [[nodiscard]] simd::Vec<S> spread(int64_t block, const F* factors) const {
    simd::Vec<S> result{};
    for (int64_t lane = 0; lane < kLanes<S>; ++lane) {
      result.native[lane] = S(factors[head(block, lane)]);
    }
    return result;
  }

 private:
  int64_t pairs_, heads_, kinds_;
};

/// Elements between channels in an array of a block.
template <class S>
int64_t channel_step(const AxialShape& shape) {
  return axial_positions(shape.length) * kLanes<std::remove_const_t<S>>;
}

/// The packed q, k and v of a block and their gradients.
template <class S>
struct PackedBlock {
  S *q, *k, *v;  // [dim], [dim], [value_dim], each of channel_step

  PackedBlock(S* packed, const AxialShape& shape, int64_t block)
      : q(packed + block * shape.head_channels() * channel_step<S>(shape)),
        k(q + shape.dim * channel_step<S>(shape)),
        v(k + shape.dim * channel_step<S>(shape)) {}
};

/// Where the lanes of a block lie in an array [samples, lines, length, heads * channels] of T.
template <class T, class S>
class LanePlaces {
 public:
  LanePlaces() = default;
  template <class Ref>
  LanePlaces(const AxialShape& shape, const Ref& array, int64_t block)
      : position_step_(array.strides[2]),
        channels_(array.shape[3] / shape.heads),
        count_(PairBlocks<S>(shape).lanes(block)) {
    for (int64_t lane = 0; lane < count_; ++lane) {
      const int64_t pair = block * kLanes<S> + lane;
      const int64_t row = pair / shape.heads;
      lanes_[lane] = array.template as<std::remove_const_t<T>>() + row / shape.lines * array.strides[0] +
                     row % shape.lines * array.strides[1] + pair % shape.heads * channels_;
    }
  }
  [[nodiscard]] int64_t count() const { return count_; }
  [[nodiscard]] int64_t channels() const { return channels_; }
  [[nodiscard]] T* at(int64_t lane, int64_t position) const { return lanes_[lane] + position * position_step_; }

 private:
  T* lanes_[kLanes<S>] = {};
  int64_t position_step_ = 0;
  int64_t channels_ = 0;
  int64_t count_ = 0;
};

/// Where a channel of a head lies in a block: its place at position 0, and the step to the next position.
struct ChannelHome {
  int64_t offset, step;
};
inline constexpr int64_t kMaxAxialChannels = 3 * 128;

/// Homes of the channels of q, k, v in a PackedBlock.
template <class S>
struct PackedHomes {
  ChannelHome at[kMaxAxialChannels];

  explicit PackedHomes(const AxialShape& shape) {
    for (int64_t c = 0; c < shape.head_channels(); ++c) {
      at[c] = {c * channel_step<S>(shape), kLanes<S>};
    }
  }
};

/// Homes of the channels of the outputs, whose terms are innermost in memory, in [term][value_dim], channels and
/// positions so many elements apart.
template <class S>
struct OutputHomes {
  ChannelHome at[kMaxAxialChannels];

  OutputHomes(const AxialShape& shape, int64_t channel_step, int64_t position_step) {
    const int64_t terms = shape.values();
    for (int64_t channel = 0; channel < terms * shape.value_dim; ++channel) {
      const int64_t term = terms == 2 ? channel % 2 : int64_t(shape.value_position);
      at[channel] = {(term * shape.value_dim + channel / terms) * channel_step, position_step};
    }
  }
};

/// A square of lanes by channels, or turned.
template <class S>
struct LaneSquare {
  alignas(64) S at[kLanes<S> * kLanes<S>];

  [[nodiscard]] simd::Vec<S> row(int64_t i) const { return simd::load(at + i * kLanes<S>); }
};

/// Reads up to kLanes channels of a position, from channel `first` on: rows of lanes; zeros where no pair is.
template <class S, class T>
[[gnu::always_inline]] inline LaneSquare<S> read_channels(const LanePlaces<const T, S>& from, int64_t position,
                                                          int64_t first) {
  const int64_t count = std::min(kLanes<S>, from.channels() - first);
  LaneSquare<S> lanes;
#pragma GCC unroll 16
  for (int64_t lane = 0; lane < kLanes<S>; ++lane) {
    simd::Vec<S> x(S(0));
    if (lane < from.count()) {
      const T* at = from.at(lane, position) + first;
      x = count == kLanes<S> ? simd::load(at) : simd::load(at, count);
    }
    simd::store(lanes.at + lane * kLanes<S>, x);
  }
  LaneSquare<S> channels;
  transpose_tile(lanes.at, kLanes<S>, channels.at, kLanes<S>);
  return channels;
}

/// Moves a position from the lanes' places in memory to the channels' homes.
template <class S, class T>
void gather_position(const LanePlaces<const T, S>& from, int64_t position, const ChannelHome* homes, S* to) {
  for (int64_t first = 0; first < from.channels(); first += kLanes<S>) {
    const LaneSquare<S> channels = read_channels<S, T>(from, position, first);
    for (int64_t i = 0; i < std::min(kLanes<S>, from.channels() - first); ++i) {
      const ChannelHome home = homes[first + i];
      simd::store(to + home.offset + position * home.step, channels.row(i));
    }
  }
}

/// Moves `position` of the channels' homes to `target_position` of the lanes' places in memory.
template <class S, class T>
void scatter_position(const S* from, int64_t position, const ChannelHome* homes, const LanePlaces<T, S>& to,
                      int64_t target_position) {
  for (int64_t first = 0; first < to.channels(); first += kLanes<S>) {
    const int64_t count = std::min(kLanes<S>, to.channels() - first);
    LaneSquare<S> channels;
    for (int64_t i = 0; i < kLanes<S>; ++i) {
      const ChannelHome home = homes[first + std::min(i, count - 1)];
      simd::store(channels.at + i * kLanes<S>, simd::load(from + home.offset + position * home.step));
    }
    LaneSquare<S> lanes;
    transpose_tile(channels.at, kLanes<S>, lanes.at, kLanes<S>);
    for (int64_t lane = 0; lane < to.count(); ++lane) {
      T* target = to.at(lane, target_position) + first;
      if (count == kLanes<S>) {
        simd::store(target, lanes.row(lane));
      } else {
        simd::store(target, lanes.row(lane), count);
      }
    }
  }
}

/// Calls fn.operator()<n>(first) for runs of four and one of what is left.
template <class Fn>
void in_fours(int64_t count, Fn&& fn) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    fn.template operator()<4>(i);
  }
  switch (count - i) {
    case 1:
      fn.template operator()<1>(i);
      break;
    case 2:
      fn.template operator()<2>(i);
      break;
    case 3:
      fn.template operator()<3>(i);
      break;
    default:
      break;
  }
}

/// Calls fn.operator()<n>(first) for runs of kRun, then of 1.
template <int kRun, class Fn>
void in_runs(int64_t count, Fn&& fn) {
  int64_t i = 0;
  for (; i + kRun <= count; i += kRun) {
    fn.template operator()<kRun>(i);
  }
  for (; i < count; ++i) {
    fn.template operator()<1>(i);
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
