#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "core/parallel.h"
#include "kernels/cpu/gather_shape.h"
#include "kernels/cpu/group_lanes.h"
#include "kernels/cpu/scratch.h"

// The taps of a convolution of many small groups, in runs that tiles take at once, and their weights by lanes.

namespace lv::kernels::cpu::LV_ISA {

struct GroupWeightTag;

/// Where the weights of (tap, input channel, output channel) of a group lie; groups follow each other by group_step.
template <class T>
struct GroupWeights {
  const T* data;
  std::span<const int64_t> taps;
  int64_t group_step, in_step, out_step;
};

/// Some taps that lie next to each other on a line. Where units join lines, those below them on the next line of taps
/// belong to the run as well, if there is such a line.
struct TapRun {
  int64_t line, column;  // of the first tap
  size_t first;          // its number among the sorted taps
  size_t below;          // that of the tap below it, or kNone

  static constexpr size_t kNone = ~size_t{0};
};

/// Weights packed for lanes. `shape` has a tap for every pair of a line and a column; lines are equally spaced.
template <class M, class T>
class GroupFilter {
 public:
  using Unit = typename M::Unit;
  using Sum = typename M::Sum;

  GroupFilter(const GatherShape& shape, const GroupLanes& lanes, const GroupWeights<T>& weights, const T* bias)
      : taps_(shape.taps), lanes_(lanes), weights_(weights), blocks_(lanes.blocks<M>()) {
    find_runs(shape.column_step);
    biases_.assign(size_t(blocks_ * kLanes), Sum(0));
    if (bias != nullptr) {
      std::transform(bias, bias + lanes_.groups * lanes_.out, biases_.begin(),
                     [](T value) { return Sum(widen(value)); });
    }
  }

  [[nodiscard]] const std::vector<TapRun>& runs() const { return runs_; }
  [[nodiscard]] int64_t taps_of_run() const { return taps_of_run_; }
  /// Between a line of taps and the next.
  [[nodiscard]] int64_t line_gap() const { return line_gap_; }
  [[nodiscard]] const Sum* bias(int64_t block) const { return biases_.data() + block * kLanes; }
  /// [units of a group's inputs][taps of the run][lanes], one run after the other.
  [[nodiscard]] const Unit* weights(int64_t block, size_t run) const {
    return packed_ + (block * int64_t(runs_.size()) + int64_t(run)) * run_size();
  }

  /// Into memory of this thread.
  void pack() {
    const int64_t block_size = int64_t(runs_.size()) * run_size();
    packed_ = thread_scratch<GroupWeightTag, Unit>(size_t(blocks_ * block_size));
    parallel_for(blocks_, 1 + 4096 / std::max<int64_t>(block_size, 1), [&](int64_t begin, int64_t end) {
      Unit* to = packed_ + begin * block_size;
      for (int64_t block = begin; block < end; ++block) {
        for (const TapRun& run : runs_) {
          pack_run(block, run, to);
          to += run_size();
        }
      }
    });
  }

 private:
  static constexpr int64_t kLanes = M::Sums::kLanes;

  [[nodiscard]] int64_t run_size() const { return lanes_.units<M>() * taps_of_run_ * kLanes; }
  [[nodiscard]] const GatherShape::Tap& tap(size_t i) const { return taps_[order_[i]]; }

  /// Sorts the taps by place and cuts them into equal runs, as long as tiles take them.
  void find_runs(int64_t column_step) {
    order_.resize(taps_.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::sort(order_.begin(), order_.end(), [this](size_t a, size_t b) {
      return std::pair{taps_[a].line, taps_[a].column} < std::pair{taps_[b].line, taps_[b].column};
    });
    for (const int64_t count : {7, 5, 3, 2}) {
      const bool has_tile = column_step == 1 || (column_step == 2 && count <= 5);
      if (has_tile && taps_of_run_ == 1 && are_runs(size_t(count))) {
        taps_of_run_ = count;
      }
    }
    const auto columns =
        size_t(std::count_if(order_.begin(), order_.end(), [this](size_t i) { return taps_[i].line == tap(0).line; }));
    line_gap_ = columns < order_.size() ? tap(columns).line - tap(0).line : 1;
    const bool joins_lines = lanes_.joins_lines<M>();
    for (size_t i = 0; i < order_.size(); i += size_t(taps_of_run_)) {
      if (!joins_lines || i / columns % 2 == 0) {
        const size_t below = joins_lines && i + columns < order_.size() ? i + columns : TapRun::kNone;
        runs_.push_back({.line = tap(i).line, .column = tap(i).column, .first = i, .below = below});
      }
    }
  }

  [[nodiscard]] bool are_runs(size_t count) const {
    for (size_t i = 0; i < order_.size(); ++i) {
      const GatherShape::Tap& first = tap(i - i % count);
      if (tap(i).line != first.line || tap(i).column != first.column + int64_t(i % count)) {
        return false;
      }
    }
    return order_.size() % count == 0;
  }

  void pack_run(int64_t block, const TapRun& run, Unit* to) const {
    const auto offset = [this](size_t tap) { return weights_.taps[order_[tap]]; };
    for (int64_t unit = 0; unit < lanes_.units<M>(); ++unit) {
      for (size_t i = 0; i < size_t(taps_of_run_); ++i, to += kLanes) {
        const int64_t first = offset(run.first + i) + unit * M::kDepth * weights_.in_step;
        const int64_t second = !lanes_.joins_lines<M>()     ? first + weights_.in_step
                               : run.below != TapRun::kNone ? offset(run.below + i)
                                                            : -1;
        pack_lanes(block, first, second, to);
      }
    }
  }

  /// The weights at `first` of each group's and, in pairs, those at `second`; zeros for second = -1.
  void pack_lanes(int64_t block, int64_t first, int64_t second, Unit* to) const {
    const auto unit = [&](const T* weights) {
      if constexpr (M::kDepth == 1) {
        return Unit(widen(weights[first]));
      } else {
        return Unit(weights[first].bits | (second < 0 ? 0U : uint32_t(weights[second].bits) << 16));
      }
    };
    const int64_t begin = block * lanes_.groups_of_block<M>();
    const int64_t groups = std::min(lanes_.groups_of_block<M>(), lanes_.groups - begin);
    for (int64_t group = begin; group < begin + groups; ++group, to += lanes_.out) {
      const T* from = weights_.data + group * weights_.group_step;
      for (int64_t out = 0; out < lanes_.out; ++out) {
        to[out] = unit(from + out * weights_.out_step);
      }
    }
    std::fill_n(to, kLanes - groups * lanes_.out, Unit(0));
  }

  const std::vector<GatherShape::Tap>& taps_;
  GroupLanes lanes_;
  GroupWeights<T> weights_;
  int64_t blocks_;
  std::vector<size_t> order_;  // of the taps
  int64_t taps_of_run_ = 1, line_gap_ = 1;
  std::vector<TapRun> runs_;
  Unit* packed_ = nullptr;
  std::vector<Sum> biases_;
};

}  // namespace lv::kernels::cpu::LV_ISA
