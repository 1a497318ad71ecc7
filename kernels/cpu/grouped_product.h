#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "core/parallel.h"
#include "kernels/cpu/gather_shape.h"
#include "kernels/cpu/group_lanes.h"
#include "kernels/cpu/scratch.h"

// Convolutions of many small groups, depthwise ones among them: the lanes of a vector are the outputs of several
// groups, a block. A lane's inputs are those of its own group, so each input channel of the groups is spread over their
// lanes by one permutation, which all taps of a line share.

namespace lv::kernels::cpu::LV_ISA {

struct GroupWeightTag;
struct GroupPixelTag;

/// The first of some taps that lie next to each other on a line.
struct TapRun {
  int64_t line, column;
};

/// How the lanes of a block's outputs get their inputs.
enum class Spread { in_place, permuted, broadcast };

/// A tile of `columns` outputs, whose inputs are `step` apart (0: any step), and which takes `taps` at a time.
template <int kTileColumns, int kTileTaps, int kTileStep, Spread kTileSpread>
struct GroupTile {
  static constexpr int kColumns = kTileColumns, kTaps = kTileTaps, kStep = kTileStep;
  static constexpr Spread kSpread = kTileSpread;
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
        spread_(lanes.spread<M>()),
        blocks_(lanes.blocks<M>()) {
    find_tap_runs();
  }

  void run() {
    if (shape_.images * shape_.lines * shape_.columns <= 0) {
      return;
    }
    pack_weights();
    plan_tasks();
    const int64_t bands = chunk_count(shape_.lines, lines_of_band_);
    const int64_t chunks = chunk_count(blocks_, blocks_of_chunk_);
    parallel_for(shape_.images * bands * chunks, 1, [&](int64_t task, int64_t) {
      const int64_t first = task / chunks % bands * lines_of_band_;
      const int64_t block = task % chunks * blocks_of_chunk_;
      const Task place{.image = task / chunks / bands,
                       .first_line = first,
                       .last_line = std::min(first + lines_of_band_, shape_.lines),
                       .first_block = block,
                       .last_block = std::min(block + blocks_of_chunk_, blocks_)};
      visit_tile([&]<class Tile>(Tile) { run_task<Tile>(place); });
    });
  }

 private:
  static constexpr int64_t kLanes = Sums::kLanes;
  static constexpr int kMaxTile = simd::kVectorBytes == 64 ? 14 : 7;

  /// Lines and blocks of an image's outputs.
  struct Task {
    int64_t image, first_line, last_line, first_block, last_block;
  };

  /// Input columns that a line reads, tiles beyond its end included.
  [[nodiscard]] int64_t in_columns() const {
    return (std::max<int64_t>(shape_.columns, kMaxTile) - 1) * shape_.column_step + limits_.right - limits_.left + 1;
  }
  [[nodiscard]] int64_t window_lines() const { return limits_.bottom - limits_.top + 1; }

  /// Sorts the taps by place and cuts them into equal runs, as long as tiles take them.
  void find_tap_runs() {
    order_.resize(shape_.taps.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    const auto place = [&](size_t i) { return std::pair{shape_.taps[order_[i]].line, shape_.taps[order_[i]].column}; };
    std::sort(order_.begin(), order_.end(), [&](size_t a, size_t b) {
      return std::pair{shape_.taps[a].line, shape_.taps[a].column} <
             std::pair{shape_.taps[b].line, shape_.taps[b].column};
    });
    const auto are_runs = [&](size_t count) {
      for (size_t i = 0; i < order_.size(); ++i) {
        const auto& [line, column] = place(i - i % count);
        if (place(i) != std::pair{line, column + int64_t(i % count)}) {
          return false;
        }
      }
      return order_.size() % count == 0;
    };
    for (const int64_t count : {7, 5, 3, 2}) {
      const bool has_tile = shape_.column_step == 1 || (shape_.column_step == 2 && count <= 5);
      if (has_tile && run_taps_ == 1 && are_runs(size_t(count))) {
        run_taps_ = count;
      }
    }
    for (size_t i = 0; i < order_.size(); i += size_t(run_taps_)) {
      tap_runs_.push_back({place(i).first, place(i).second});
    }
  }

  /// Calls fn(GroupTile) with the tile for these taps and lanes.
  template <class Fn>
  void visit_tile(Fn&& fn) const {
    const auto visit_spread = [&]<int kColumns, int kTaps, int kStep>() {
      if (lanes_.out == kLanes) {
        fn(GroupTile<kColumns, kTaps, kStep, Spread::broadcast>{});
      } else if (lanes_.out == 1) {
        fn(GroupTile<kColumns, kTaps, kStep, Spread::in_place>{});
      } else {
        fn(GroupTile<kColumns, kTaps, kStep, Spread::permuted>{});
      }
    };
    const auto visit_taps = [&]<int kColumns>() {
      const int64_t step = run_taps_ == 1 ? 0 : shape_.column_step;
      const auto visit = [&]<int kTaps, int kStep>() {
        if (run_taps_ == kTaps && step == kStep) {
          visit_spread.template operator()<kColumns, kTaps, kStep>();
        }
      };
      visit.template operator()<7, 1>();
      visit.template operator()<5, 1>();
      visit.template operator()<3, 1>();
      visit.template operator()<2, 1>();
      visit.template operator()<5, 2>();
      visit.template operator()<3, 2>();
      visit.template operator()<2, 2>();
      visit.template operator()<1, 0>();
    };
    if (shape_.columns >= kMaxTile && shape_.columns % kMaxTile != kMaxTile / 2) {
      visit_taps.template operator()<kMaxTile>();
    } else {
      visit_taps.template operator()<kMaxTile / 2>();
    }
  }

  /// [blocks][tap runs][units of a group's inputs][taps of the run][lanes]
  void pack_weights() {
    const int64_t block_size = int64_t(order_.size()) * lanes_.units<M>() * kLanes;
    packed_ = thread_scratch<GroupWeightTag, Unit>(size_t(blocks_ * block_size));
    parallel_for(blocks_, 1 + 4096 / block_size, [&](int64_t begin, int64_t end) {
      Unit* to = packed_ + begin * block_size;
      for (int64_t block = begin; block < end; ++block) {
        for (size_t run = 0; run < order_.size(); run += size_t(run_taps_)) {
          for (int64_t unit = 0; unit < lanes_.units<M>(); ++unit) {
            for (size_t tap = run; tap < run + size_t(run_taps_); ++tap, to += kLanes) {
              pack_lanes(block, weights_.taps[order_[tap]] + unit * M::kDepth * weights_.in_step, to);
            }
          }
        }
      }
    });
    biases_.assign(size_t(blocks_ * kLanes), Sum(0));
    if (bias_ != nullptr) {
      std::transform(bias_, bias_ + lanes_.groups * lanes_.out, biases_.begin(),
                     [](T value) { return Sum(widen(value)); });
    }
  }

  void pack_lanes(int64_t block, int64_t offset, Unit* to) const {
    const auto unit = [this](const T* element) {
      if constexpr (M::kDepth == 1) {
        return Unit(widen(*element));
      } else {
        return Unit(element->bits | uint32_t(element[weights_.in_step].bits) << 16);
      }
    };
    const int64_t first = block * lanes_.groups_of_block<M>();
    const int64_t groups = std::min(lanes_.groups_of_block<M>(), lanes_.groups - first);
    for (int64_t group = first; group < first + groups; ++group, to += lanes_.out) {
      const T* from = weights_.data + group * weights_.group_step + offset;
      for (int64_t out = 0; out < lanes_.out; ++out) {
        to[out] = unit(from + out * weights_.out_step);
      }
    }
    std::fill_n(to, kLanes - groups * lanes_.out, Unit(0));
  }

  /// Tasks take as many blocks as have their window in the first-level cache, and no others' cache lines of y.
  void plan_tasks() {
    constexpr int64_t kWindowBytes = 32 << 10;
    constexpr int64_t kTasks = 16;
    constexpr int64_t kMinLines = 7;
    constexpr int64_t kBlocksOfCacheLine = std::max<int64_t>(1, 64 / (kLanes * int64_t(sizeof(T))));
    const int64_t bytes = window_lines() * in_columns() * lanes_.block_units<M>() * int64_t(sizeof(Unit));
    const int64_t most = std::clamp<int64_t>(kWindowBytes / bytes, 1, blocks_);
    const int64_t equal = chunk_count(blocks_, chunk_count(blocks_, most));
    blocks_of_chunk_ = chunk_count(equal, kBlocksOfCacheLine) * kBlocksOfCacheLine;
    const int64_t others = shape_.images * chunk_count(blocks_, blocks_of_chunk_);
    const int64_t bands = std::clamp<int64_t>(chunk_count(kTasks, others), 1, chunk_count(shape_.lines, kMinLines));
    lines_of_band_ = chunk_count(shape_.lines, bands);
    constexpr int64_t kCachedBytes = 8 << 20;
    const int64_t pixels = shape_.images * (shape_.in_lines * shape_.in_columns + shape_.lines * shape_.columns);
    is_far_ = pixels * shape_.in_pixel * int64_t(sizeof(T)) > kCachedBytes;
  }

  template <class Tile>
  void run_task(const Task& task) const {
    const int64_t block_units = lanes_.block_units<M>();
    const int64_t first_unit = task.first_block * block_units;
    const int64_t pixel_units = std::min(task.last_block * block_units, lanes_.groups * lanes_.units<M>()) - first_unit;
    const int64_t line_units = in_columns() * pixel_units + kLanes;  // whole vectors are read and written
    LineWindow<Unit> window{.data = thread_scratch<GroupPixelTag, Unit>(size_t(window_lines() * line_units)),
                            .lines = window_lines(),
                            .line_units = line_units};
    const int64_t top = task.first_line * shape_.line_step + limits_.top;
    std::vector<int64_t> taps_at(tap_runs_.size());
    for (int64_t line = task.first_line; line < task.last_line; ++line) {
      const int64_t start = (line - task.first_line) * shape_.line_step;
      window.move_to(
          start, [&](int64_t number, Unit* to) { pack_line(task.image, top + number, first_unit, pixel_units, to); });
      LineTaps taps{.begin = taps_at.size(), .end = 0, .at = taps_at.data(), .pixel_units = pixel_units};
      for (size_t i = 0; i < taps_at.size(); ++i) {
        const int64_t number = start + tap_runs_[i].line - limits_.top;
        if (top + number >= 0 && top + number < shape_.in_lines) {
          taps_at[i] = window.offset(number) + (tap_runs_[i].column - limits_.left) * pixel_units;
          taps.begin = std::min(taps.begin, i);
          taps.end = i + 1;
        }
      }
      T* y = y_ + task.image * shape_.out_image + line * shape_.out_line;
      for (int64_t column = 0; column < shape_.columns; column += Tile::kColumns) {
        const int64_t first = std::min(column, std::max<int64_t>(shape_.columns - Tile::kColumns, 0));
        const Unit* x = window.data + first * shape_.column_step * pixel_units;
        if (is_far_) {
          prefetch_next(task, line, first);
        }
        for (int64_t block = task.first_block; block < task.last_block; ++block, x += block_units) {
          run_tile<Tile>(block, x, taps, y + first * shape_.out_pixel + block * kLanes);
        }
      }
    }
  }

  /// Asks for what the next line needs of a tile's columns, while this line's sums keep the processor busy.
  void prefetch_next(const Task& task, int64_t line, int64_t column) const {
    if (line + 1 == task.last_line) {
      return;
    }
    const int64_t blocks = task.last_block - task.first_block;
    const int64_t outs = task.first_block * kLanes;
    const int64_t ins = task.first_block * lanes_.block_units<M>() * M::kDepth;
    prefetch_pixels(
        y_ + task.image * shape_.out_image + (line + 1) * shape_.out_line + column * shape_.out_pixel + outs, kMaxTile,
        shape_.out_pixel, blocks * kLanes);
    for (int64_t i = 1; i <= shape_.line_step; ++i) {
      const int64_t in_line = std::min(line * shape_.line_step + limits_.bottom + i, shape_.in_lines - 1);
      const int64_t pixel = (task.image * shape_.in_lines + in_line) * shape_.in_columns + column * shape_.column_step;
      prefetch_pixels(x_ + pixel * shape_.in_pixel + ins, kMaxTile * shape_.column_step, shape_.in_pixel,
                      blocks * lanes_.block_units<M>() * M::kDepth);
    }
  }

  /// Units [first, first + count) of the pixels of a line, with its border of zeros. Lines outside the picture are
  /// never read.
  void pack_line(int64_t image, int64_t line, int64_t first, int64_t count, Unit* to) const {
    if (line < 0 || line >= shape_.in_lines) {
      return;
    }
    const int64_t columns = in_columns();
    const int64_t begin = std::clamp<int64_t>(-limits_.left, 0, columns);
    const int64_t end = std::clamp<int64_t>(shape_.in_columns - limits_.left, begin, columns);
    std::fill_n(to, begin * count, Unit(0));
    const int64_t pixel = (image * shape_.in_lines + line) * shape_.in_columns + limits_.left + begin;
    const T* from = x_ + pixel * shape_.in_pixel + first * M::kDepth;
    for (int64_t column = begin; column < end; ++column, from += shape_.in_pixel) {
      Unit* at = to + column * count;
      int64_t i = 0;
      for (; i + kLanes <= count; i += kLanes) {
        simd::store(at + i, simd::load(units_at(from) + i));
      }
      if (i < count) {  // the next pixel overwrites what is too much
        simd::store(at + i, simd::load(units_at(from) + i, count - i));
      }
    }
    std::fill_n(to + end * count, (columns - end) * count, Unit(0));
  }

  /// Elements as they are loaded into units: themselves where a unit is one.
  static auto units_at(const T* elements) {
    if constexpr (M::kDepth == 1) {
      return elements;
    } else {
      return reinterpret_cast<const Unit*>(elements);
    }
  }

  /// The runs of taps [begin, end) that lie within the picture: where a line of outputs meets them.
  struct LineTaps {
    size_t begin, end;
    const int64_t* at;
    int64_t pixel_units;
  };

  /// A tile of a block's outputs, of which those within the line are written.
  template <class Tile>
  void run_tile(int64_t block, const Unit* x, const LineTaps& taps, T* y) const {
    Sums sums[Tile::kColumns];
    const Sums bias = simd::load(biases_.data() + block * kLanes);
#pragma GCC unroll 16
    for (Sums& sum : sums) {
      sum = bias;
    }
    const int64_t run_size = lanes_.units<M>() * Tile::kTaps * kLanes;
    const Unit* weights = packed_ + (block * int64_t(tap_runs_.size()) + int64_t(taps.begin)) * run_size;
    for (size_t run = taps.begin; run < taps.end; ++run) {
      for (int64_t unit = 0; unit < lanes_.units<M>(); ++unit, weights += Tile::kTaps * kLanes) {
        add_taps<Tile>(x + taps.at[run], taps.pixel_units, unit, weights, sums);
      }
    }
    const int64_t present = lanes_.groups * lanes_.out - block * kLanes;
#pragma GCC unroll 16
    for (int i = 0; i < Tile::kColumns; ++i) {
      if (i < shape_.columns) {
        M::store(y + i * shape_.out_pixel, sums[i], present);
      }
    }
  }

  /// Adds the products of one unit of the inputs with a run of taps.
  template <class Tile>
  void add_taps(const Unit* x, int64_t pixel_units, int64_t unit, const Unit* weights,
                Sums (&sums)[Tile::kColumns]) const {
    constexpr int kSpacing = Tile::kStep > 0 ? Tile::kStep : 1;
    constexpr int kTaps = Tile::kTaps;
    Units factors[kTaps];
#pragma GCC unroll 8
    for (int tap = 0; tap < kTaps; ++tap) {
      factors[tap] = simd::load(weights + tap * kLanes);
    }
    const auto spread = simd::load(spread_.data() + unit * kLanes);
    const int64_t step = Tile::kStep > 0 ? pixel_units : shape_.column_step * pixel_units;
#pragma GCC unroll 40
    for (int column = 0; column < (Tile::kColumns - 1) * kSpacing + kTaps; ++column, x += step) {
      Units value = Tile::kSpread == Spread::broadcast  ? Units(x[unit])
                    : Tile::kSpread == Spread::in_place ? simd::load(x)
                                                        : permute(simd::load(x), spread);
      asm("" : "+v"(value.native));  // one load for all taps
#pragma GCC unroll 8
      for (int tap = 0; tap < kTaps; ++tap) {
        if (column >= tap && (column - tap) % kSpacing == 0 && (column - tap) / kSpacing < Tile::kColumns) {
          Sums& sum = sums[(column - tap) / kSpacing];
          sum = M::multiply_add(value, factors[tap], sum);
        }
      }
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
  int64_t blocks_;
  std::vector<size_t> order_;  // of the taps
  int64_t run_taps_ = 1;
  std::vector<TapRun> tap_runs_;
  Unit* packed_ = nullptr;
  std::vector<Sum> biases_;
  int64_t blocks_of_chunk_ = 1, lines_of_band_ = 1;
  bool is_far_ = false;  // x and y come from memory
};

}  // namespace lv::kernels::cpu::LV_ISA
