#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "core/parallel.h"
#include "kernels/cpu/gather_shape.h"
#include "kernels/cpu/product_panels.h"
#include "kernels/cpu/scratch.h"

// Convolutions of many small groups, depthwise ones among them: the lanes of a vector are the outputs of several
// groups. A lane's inputs are those of its own group, so each input channel of the groups is spread over their lanes by
// one permutation, which all taps of a line share.

namespace lv::kernels::cpu::LV_ISA {

/// Groups of `in` input and `out` output channels, and how they fill vectors of M's units and sums.
struct GroupLanes {
  int64_t groups, in, out;

  /// Units of a group's inputs.
  template <class M>
  [[nodiscard]] int64_t units() const {
    return in / M::kDepth;
  }
  /// Whether whole groups fill a vector of outputs, and their inputs one of inputs.
  template <class M>
  [[nodiscard]] bool fit() const {
    return groups > 1 && M::Sums::kLanes % out == 0 && in % M::kDepth == 0 && units<M>() <= out;
  }
  template <class M>
  [[nodiscard]] int64_t groups_of_block() const {
    return M::Sums::kLanes / out;
  }
  template <class M>
  [[nodiscard]] int64_t blocks() const {
    return chunk_count(groups, groups_of_block<M>());
  }
  /// For each unit of a group's inputs: the lanes of a block's input vector from which its output lanes take it.
  template <class M>
  [[nodiscard]] auto spread() const {
    using Lane = simd::IntOf<typename M::Unit>;
    constexpr int64_t kLanes = M::Sums::kLanes;
    std::vector<Lane> from;
    for (int64_t i = 0; i < units<M>() * kLanes; ++i) {
      from.push_back(Lane(i % kLanes / out * units<M>() + i / kLanes));
    }
    return from;
  }
};

/// The lanes of `v` that `from` names.
template <class U>
simd::Vec<U> permute(simd::Vec<U> v, simd::Vec<simd::IntOf<U>> from) {
#ifdef __clang__  // which reads this for the linter and has no such function
  simd::Vec<U> result;
  for (int lane = 0; lane < simd::Vec<U>::kLanes; ++lane) {
    result.native[lane] = v[from[lane]];
  }
  return result;
#else
  return simd::Vec<U>(__builtin_shuffle(v.native, from.native));
#endif
}

/// `count` units of one pixel, zeros in the other lanes.
template <class M, class T>
typename M::Units load_pixel(const T* from, int64_t count) {
  if constexpr (M::kDepth == 1) {
    return simd::load(from, count);
  } else {
    return simd::load(reinterpret_cast<const typename M::Unit*>(from), count);
  }
}

/// A vector of units of one pixel.
template <class M, class T>
typename M::Units load_pixel(const T* from) {
  if constexpr (M::kDepth == 1) {
    return simd::load(from);
  } else {
    return simd::load(reinterpret_cast<const typename M::Unit*>(from));
  }
}

/// Channels of a line of pixels as [blocks][block_step], a vector a pixel: those of columns [0, begin) and [end, count)
/// are zero, the others are read from `pixels`, `step` elements apart.
template <class M, class T>
void pack_group_line(const GroupLanes& lanes, int64_t units_of_group, const T* pixels, int64_t step, int64_t begin,
                     int64_t end, int64_t count, typename M::Unit* to, int64_t block_step) {
  using Unit = typename M::Unit;
  constexpr int64_t kLanes = M::Sums::kLanes;
  const int64_t blocks = lanes.blocks<M>();
  const int64_t block_units = lanes.groups_of_block<M>() * units_of_group;
  const int64_t last_units = lanes.groups * units_of_group - (blocks - 1) * block_units;
  const int64_t whole = block_units < kLanes ? 0 : last_units < kLanes ? blocks - 1 : blocks;
  for (int64_t block = 0; block < blocks; ++block) {
    std::fill_n(to + block * block_step, begin * kLanes, Unit(0));
    std::fill_n(to + block * block_step + end * kLanes, (count - end) * kLanes, Unit(0));
  }
  for (int64_t column = begin; column < end; ++column, pixels += step) {
    Unit* at = to + column * kLanes;
    const T* from = pixels;
    for (int64_t block = 0; block < whole; ++block, at += block_step, from += block_units * M::kDepth) {
      simd::store(at, load_pixel<M>(from));
    }
    for (int64_t block = whole; block < blocks; ++block, at += block_step, from += block_units * M::kDepth) {
      simd::store(at, load_pixel<M>(from, block + 1 < blocks ? block_units : last_units));
    }
  }
}

/// Input pixels [first, first + count) of a line, all channels, zeros outside the input.
template <class M, class T>
void pack_group_input(const GatherShape& shape, const GroupLanes& lanes, const T* x, int64_t image, int64_t line,
                      int64_t first, int64_t count, typename M::Unit* to, int64_t block_step) {
  const int64_t begin = line < 0 || line >= shape.in_lines ? count : std::clamp<int64_t>(-first, 0, count);
  const int64_t end = std::max(begin, std::min(count, shape.in_columns - first));
  const int64_t pixel = (image * shape.in_lines + line) * shape.in_columns + first + begin;
  pack_group_line<M>(lanes, lanes.units<M>(), x + pixel * shape.in_pixel, shape.in_pixel, begin, end, count, to,
                     block_step);
}

struct GroupWeightTag;
struct GroupPixelTag;

/// Taps of one line that lie next to each other.
struct TapRun {
  int64_t line, column;  // of the first
  int64_t first, count;
};

/// Where the weights of (tap, input channel, output channel) of a group lie; groups follow each other by group_step.
template <class T>
struct GroupWeights {
  const T* data;
  std::span<const int64_t> taps;
  int64_t group_step, in_step, out_step;
};

/// y[image, line, column, :] = bias + sum over taps of x[pixel of the tap, :] weights[tap, :, :] within each group.
template <class M, class T>
class GroupedProduct {
 public:
  using Unit = typename M::Unit;
  using Units = typename M::Units;
  using Sum = typename M::Sum;
  using Sums = typename M::Sums;

  GroupedProduct(const GatherShape& shape, const GroupLanes& lanes, const T* x, const GroupWeights<T>& weights,
                 const T* bias, T* y)
      : shape_(shape),
        lanes_(lanes),
        x_(x),
        weights_(weights),
        bias_(bias),
        y_(y),
        limits_(tap_limits(shape.taps)),
        spread_(lanes.spread<M>()) {
    find_tap_runs();
  }

  void run() {
    if (shape_.images * shape_.lines * shape_.columns <= 0) {
      return;
    }
    pack_weights();
    constexpr int64_t kPixelBytes = 256 << 10;
    const int64_t line_bytes = shape_.line_step * in_columns() * lanes_.blocks<M>() * int64_t(sizeof(Units));
    const int64_t lines_of_task = std::clamp<int64_t>(kPixelBytes / line_bytes, 1, shape_.lines);
    const int64_t tasks = chunk_count(shape_.lines, lines_of_task);
    parallel_for(shape_.images * tasks, 1, [&](int64_t task, int64_t) {
      const int64_t first = task % tasks * lines_of_task;
      run_task(task / tasks, first, std::min(lines_of_task, shape_.lines - first));
    });
  }

 private:
  static constexpr int64_t kLanes = Sums::kLanes;
  static constexpr int kMaxTile = simd::kVectorBytes == 64 ? 14 : 7;

  /// Input columns that a line reads, tiles beyond its end included.
  [[nodiscard]] int64_t in_columns() const {
    return (std::max<int64_t>(shape_.columns, kMaxTile) - 1) * shape_.column_step + limits_.right - limits_.left + 1;
  }

  /// Sorts the taps by place and cuts them into runs.
  void find_tap_runs() {
    order_.resize(shape_.taps.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    const auto place = [&](size_t i) { return std::pair{shape_.taps[i].line, shape_.taps[i].column}; };
    std::sort(order_.begin(), order_.end(), [&](size_t a, size_t b) { return place(a) < place(b); });
    for (size_t i = 0; i < order_.size();) {
      const auto& [line, column] = shape_.taps[order_[i]];
      size_t neighbours = 1;
      while (i + neighbours < order_.size() &&
             place(order_[i + neighbours]) == std::pair{line, column + int64_t(neighbours)}) {
        ++neighbours;
      }
      const int64_t count = run_length(int64_t(neighbours));
      tap_runs_.push_back({.line = line, .column = column, .first = int64_t(i), .count = count});
      i += size_t(count);
    }
  }

  /// The longest run that add_run() knows, of `neighbours` taps.
  [[nodiscard]] int64_t run_length(int64_t neighbours) const {
    if (shape_.column_step > 2) {
      return 1;
    }
    if (shape_.column_step == 1 && neighbours >= 5) {
      return neighbours >= 7 ? 7 : 5;
    }
    return std::min<int64_t>(neighbours, 3);
  }

  /// [blocks][tap runs][units of a group's inputs][taps of the run][lanes]
  void pack_weights() {
    const int64_t block_size = int64_t(order_.size()) * lanes_.units<M>() * kLanes;
    packed_ = thread_scratch<GroupWeightTag, Unit>(size_t(lanes_.blocks<M>() * block_size));
    parallel_for(lanes_.blocks<M>(), 1 + 4096 / block_size, [&](int64_t begin, int64_t end) {
      Unit* to = packed_ + begin * block_size;
      for (int64_t block = begin; block < end; ++block) {
        for (const TapRun& run : tap_runs_) {
          for (int64_t unit = 0; unit < lanes_.units<M>(); ++unit) {
            for (int64_t tap = run.first; tap < run.first + run.count; ++tap, to += kLanes) {
              pack_lanes(block, weights_.taps[order_[size_t(tap)]] + unit * M::kDepth * weights_.in_step, to);
            }
          }
        }
      }
    });
    biases_.assign(size_t(lanes_.blocks<M>() * kLanes), Sum(0));
    if (bias_ != nullptr) {
      std::transform(bias_, bias_ + lanes_.groups * lanes_.out, biases_.begin(),
                     [](T value) { return Sum(widen(value)); });
    }
  }

  void pack_lanes(int64_t block, int64_t offset, Unit* to) const {
    std::fill_n(to, kLanes, Unit(0));
    const int64_t first = block * lanes_.groups_of_block<M>();
    const int64_t end = std::min(first + lanes_.groups_of_block<M>(), lanes_.groups);
    for (int64_t group = first; group < end; ++group) {
      const T* from = weights_.data + group * weights_.group_step + offset;
      for (int64_t out = 0; out < lanes_.out; ++out, from += weights_.out_step) {
        pack_row<M>(from, from + weights_.in_step, 1, to++);
      }
    }
  }

  void run_task(int64_t image, int64_t first, int64_t lines) const {
    const int64_t columns = in_columns();
    const int64_t top = first * shape_.line_step + limits_.top;
    const int64_t in_lines = (lines - 1) * shape_.line_step + limits_.bottom - limits_.top + 1;
    const int64_t line_step = columns * kLanes;
    const int64_t block_step = in_lines * line_step;
    Unit* pixels = thread_scratch<GroupPixelTag, Unit>(size_t(lanes_.blocks<M>() * block_step));
    for (int64_t line = 0; line < in_lines; ++line) {
      pack_group_input<M>(shape_, lanes_, x_, image, top + line, limits_.left, columns, pixels + line * line_step,
                          block_step);
    }
    const int tile = shape_.columns >= kMaxTile && shape_.columns % kMaxTile != kMaxTile / 2 ? kMaxTile : kMaxTile / 2;
    for (int64_t block = 0; block < lanes_.blocks<M>(); ++block) {
      for (int64_t line = 0; line < lines; ++line) {
        const Unit* x = pixels + block * block_step + line * shape_.line_step * line_step;
        T* y = y_ + image * shape_.out_image + (first + line) * shape_.out_line + block * kLanes;
        for (int64_t column = 0; column < shape_.columns; column += tile) {
          const int64_t start = std::min(column, std::max<int64_t>(shape_.columns - tile, 0));
          const Unit* tile_x = x + start * shape_.column_step * kLanes;
          T* tile_y = y + start * shape_.out_pixel;
          const int64_t count = std::min<int64_t>(tile, shape_.columns);
          if (tile == kMaxTile) {
            run_tile<kMaxTile>(block, tile_x, line_step, count, tile_y);
          } else {
            run_tile<kMaxTile / 2>(block, tile_x, line_step, count, tile_y);
          }
        }
      }
    }
  }

  /// kTile outputs of a block; `count` of them are written.
  template <int kTile>
  void run_tile(int64_t block, const Unit* x, int64_t line_step, int64_t count, T* y) const {
    Sums sums[kTile];
    const Sums bias = simd::load(biases_.data() + block * kLanes);
#pragma GCC unroll 16
    for (Sums& sum : sums) {
      sum = bias;
    }
    const Unit* weights = packed_ + block * int64_t(order_.size()) * lanes_.units<M>() * kLanes;
    for (const TapRun& run : tap_runs_) {
      const Unit* from = x + (run.line - limits_.top) * line_step + (run.column - limits_.left) * kLanes;
      for (int64_t unit = 0; unit < lanes_.units<M>(); ++unit, weights += run.count * kLanes) {
        add_run(run.count, from, unit, weights, sums);
      }
    }
    const int64_t present = std::min(kLanes, lanes_.groups * lanes_.out - block * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kTile; ++i) {
      if (i < count && present == kLanes) {
        simd::store(y + i * shape_.out_pixel, sums[i]);
      } else if (i < count) {
        simd::store(y + i * shape_.out_pixel, sums[i], present);
      }
    }
  }

  /// Adds the products of one unit of the inputs with a run of taps.
  template <int kTile>
  void add_run(int64_t count, const Unit* x, int64_t unit, const Unit* weights, Sums (&sums)[kTile]) const {
    const auto add = [&]<int kTaps, int kStep>(std::integer_sequence<int, kTaps, kStep>) {
      add_taps<kTaps, kStep>(x, unit, weights, sums);
    };
    if (shape_.column_step == 1) {
      switch (count) {
        case 7:
          return add(std::integer_sequence<int, 7, 1>{});
        case 5:
          return add(std::integer_sequence<int, 5, 1>{});
        case 3:
          return add(std::integer_sequence<int, 3, 1>{});
        case 2:
          return add(std::integer_sequence<int, 2, 1>{});
        default:
          return add(std::integer_sequence<int, 1, 1>{});
      }
    }
    switch (count) {
      case 3:
        return add(std::integer_sequence<int, 3, 2>{});
      case 2:
        return add(std::integer_sequence<int, 2, 2>{});
      default:
        return add(std::integer_sequence<int, 1, 0>{});
    }
  }

  /// The same for kTaps taps and columns that are kStep apart; one tap and kStep = 0 take any step.
  template <int kTaps, int kStep, int kTile>
  void add_taps(const Unit* x, int64_t unit, const Unit* weights, Sums (&sums)[kTile]) const {
    Units factors[kTaps];
#pragma GCC unroll 8
    for (int tap = 0; tap < kTaps; ++tap) {
      factors[tap] = simd::load(weights + tap * kLanes);
    }
    const int64_t step = kStep > 0 ? kLanes : shape_.column_step * kLanes;
    constexpr int kSpacing = kStep > 0 ? kStep : 1;
    const auto add_columns = [&](const auto& value_at) {
#pragma GCC unroll 32
      for (int column = 0; column < (kTile - 1) * kSpacing + kTaps; ++column) {
        Units value = value_at(x + column * step);
        asm("" : "+v"(value.native));  // one load for all taps
#pragma GCC unroll 8
        for (int tap = 0; tap < kTaps; ++tap) {
          if (column >= tap && (column - tap) % kSpacing == 0 && (column - tap) / kSpacing < kTile) {
            Sums& sum = sums[(column - tap) / kSpacing];
            sum = M::multiply_add(value, factors[tap], sum);
          }
        }
      }
    };
    if (lanes_.out == kLanes) {
      add_columns([unit](const Unit* pixel) { return Units(pixel[unit]); });
    } else if (lanes_.out == 1) {
      add_columns([](const Unit* pixel) { return simd::load(pixel); });
    } else {
      const auto spread = simd::load(spread_.data() + unit * kLanes);
      add_columns([spread](const Unit* pixel) { return permute(simd::load(pixel), spread); });
    }
  }

  const GatherShape& shape_;
  GroupLanes lanes_;
  const T* x_;
  GroupWeights<T> weights_;
  const T* bias_;
  T* y_;
  GatherShape::Limits limits_;
  std::vector<simd::IntOf<Unit>> spread_;
  std::vector<size_t> order_;  // of the taps
  std::vector<TapRun> tap_runs_;
  Unit* packed_ = nullptr;
  std::vector<Sum> biases_;
};

}  // namespace lv::kernels::cpu::LV_ISA
