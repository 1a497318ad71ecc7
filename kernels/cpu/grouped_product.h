#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/parallel.h"
#include "kernels/cpu/gather_shape.h"
#include "kernels/cpu/grouped_filter.h"
#include "kernels/cpu/pixel_lines.h"
#include "kernels/cpu/scratch.h"

// Convolutions of many small groups, depthwise ones among them: the lanes of a vector are the outputs of several
// groups, a block. A lane's inputs are those of its own group, so each input channel of the groups is spread over their
// lanes by one permutation, which all taps of a line share. Depthwise, lanes meet their inputs as they lie in memory:
// vectors of whole units are read there, pairs of 16-bit elements join two lines.

namespace lv::kernels::cpu::LV_ISA {

struct GroupPixelTag;

/// How the lanes of a block's outputs get their inputs: from x where it lies, or from a window of packed lines as they
/// are there, permuted, or one for all.
enum class Spread { direct, in_place, permuted, broadcast };

/// A tile of `columns` outputs, whose inputs are `step` apart (0: any step), and which takes `taps` at a time.
template <int kTileColumns, int kTileTaps, int kTileStep, Spread kTileSpread>
struct GroupTile {
  static constexpr int kColumns = kTileColumns, kTaps = kTileTaps, kStep = kTileStep;
  static constexpr Spread kSpread = kTileSpread;
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
        y_(y),
        limits_(tap_limits(shape.taps)),
        filter_(shape, lanes, weights, bias),
        spread_(lanes.spread<M>()),
        blocks_(lanes.blocks<M>()) {}

  void run() {
    if (shape_.images * shape_.lines * shape_.columns <= 0) {
      return;
    }
    filter_.pack();
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

  static constexpr bool kMayBeDirect = kReadsInPlace<M, T> && M::kDepth == 1;

  /// Whether lanes meet their inputs in x, in whole vectors.
  [[nodiscard]] bool is_direct() const {
    return kMayBeDirect && lanes_.in == 1 && lanes_.out == 1 && lanes_.groups % kLanes == 0;
  }

  /// Lines and blocks of an image's outputs.
  struct Task {
    int64_t image, first_line, last_line, first_block, last_block;
  };

  /// Input columns that a line reads, tiles beyond its end included.
  [[nodiscard]] int64_t in_columns() const {
    return (std::max<int64_t>(shape_.columns, kMaxTile) - 1) * shape_.column_step + limits_.right - limits_.left + 1;
  }
  [[nodiscard]] int64_t window_lines() const {
    return filter_.runs().empty() ? 1 : filter_.runs().back().line - limits_.top + 1;
  }

  /// Calls fn(GroupTile) with the tile for these taps and lanes.
  template <class Fn>
  void visit_tile(Fn&& fn) const {
    const auto visit_spread = [&]<int kColumns, int kTaps, int kStep>() {
      if (lanes_.out == kLanes) {
        fn(GroupTile<kColumns, kTaps, kStep, Spread::broadcast>{});
      } else if (is_direct()) {
        if constexpr (kMayBeDirect) {
          fn(GroupTile<kColumns, kTaps, kStep, Spread::direct>{});
        }
      } else if (lanes_.out == 1) {
        fn(GroupTile<kColumns, kTaps, kStep, Spread::in_place>{});
      } else {
        fn(GroupTile<kColumns, kTaps, kStep, Spread::permuted>{});
      }
    };
    const auto visit_taps = [&]<int kColumns>() {
      const int64_t taps = filter_.taps_of_run();
      const int64_t step = taps == 1 ? 0 : shape_.column_step;
      const auto visit = [&]<int kTaps, int kStep>() {
        if (taps == kTaps && step == kStep) {
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

  /// Tasks take as many blocks as have what a line needs in a cache, and no others' cache lines of y: the first-level
  /// cache for lines that all the next ones read again from x, the second-level one for windows, since they are packed
  /// fastest by whole pixels.
  void plan_tasks() {
    const int64_t window_bytes = is_direct() ? 48 << 10 : 256 << 10;
    constexpr int64_t kTasks = 16;
    constexpr int64_t kMinLines = 7;
    constexpr int64_t kBlocksOfCacheLine = std::max<int64_t>(1, 64 / (kLanes * int64_t(sizeof(T))));
    const int64_t bytes = window_lines() * in_columns() * lanes_.block_units<M>() * int64_t(sizeof(Unit));
    const int64_t most = std::clamp<int64_t>(window_bytes / bytes, 1, blocks_);
    const int64_t equal = chunk_count(blocks_, chunk_count(blocks_, most));
    blocks_of_chunk_ = chunk_count(equal, kBlocksOfCacheLine) * kBlocksOfCacheLine;
    const int64_t others = shape_.images * chunk_count(blocks_, blocks_of_chunk_);
    const int64_t bands = std::clamp<int64_t>(chunk_count(kTasks, others), 1, chunk_count(shape_.lines, kMinLines));
    lines_of_band_ = chunk_count(shape_.lines, bands);
    constexpr int64_t kCachedBytes = 8 << 20;
    const int64_t pixels = shape_.images * (shape_.in_lines * shape_.in_columns + shape_.lines * shape_.columns);
    is_far_ = pixels * shape_.in_pixel * int64_t(sizeof(T)) > kCachedBytes;
  }

  /// The runs of taps [begin, end) that meet the picture, and at which unit of the inputs the line's first output does.
  struct LineTaps {
    size_t begin, end;
    std::vector<int64_t> at;
    int64_t pixel_units;
  };

  template <class Tile>
  void run_task(const Task& task) const {
    constexpr bool kIsDirect = Tile::kSpread == Spread::direct;
    const int64_t first_unit = task.first_block * lanes_.block_units<M>();
    const int64_t units =
        std::min(task.last_block * lanes_.block_units<M>(), lanes_.groups * lanes_.units<M>()) - first_unit;
    LineTaps taps{.begin = 0,
                  .end = 0,
                  .at = std::vector<int64_t>(filter_.runs().size()),
                  .pixel_units = kIsDirect ? shape_.in_pixel : spaced<Unit>(units)};
    LineWindow<Unit> window{
        .data = nullptr,
        .lines = window_lines(),
        .line_units = in_columns() * taps.pixel_units + kLanes};  // whole vectors are read and written
    const Unit* inputs = nullptr;
    if constexpr (kIsDirect) {
      inputs = x_ + task.image * shape_.in_lines * shape_.in_columns * shape_.in_pixel + first_unit;
    } else {
      inputs = window.data = thread_scratch<GroupPixelTag, Unit>(size_t(window.lines * window.line_units));
    }
    const int64_t line_gap = std::gcd(shape_.line_step, filter_.line_gap() * (lanes_.joins_lines<M>() ? 2 : 1));
    for (int64_t line = task.first_line; line < task.last_line; ++line) {
      const int64_t top = line * shape_.line_step + limits_.top;
      const int64_t start = (line - task.first_line) * shape_.line_step;
      if constexpr (!kIsDirect) {
        window.move_to(start, [&](int64_t number, Unit* to) {
          if (number % line_gap == 0) {  // else no tap meets it
            pack_line(task.image, top - start + number, first_unit, units, taps.pixel_units, to);
          }
        });
      }
      find_taps(top, taps, [&](const TapRun& run) {
        return kIsDirect ? (top - limits_.top + run.line) * shape_.in_columns * taps.pixel_units
                         : window.offset(start + run.line - limits_.top) - limits_.left * taps.pixel_units;
      });
      run_line<Tile>(task, line, inputs, taps);
    }
  }

  /// Which runs meet the picture where the highest tap is on line `top`; offset(run): where their line begins.
  template <class Fn>
  void find_taps(int64_t top, LineTaps& taps, const Fn& offset) const {
    const std::vector<TapRun>& runs = filter_.runs();
    const auto is_inside = [this](int64_t line) { return line >= 0 && line < shape_.in_lines; };
    taps.begin = runs.size();
    taps.end = 0;
    for (size_t i = 0; i < runs.size(); ++i) {
      const int64_t line = top + runs[i].line - limits_.top;
      if (is_inside(line) || (runs[i].below != TapRun::kNone && is_inside(line + filter_.line_gap()))) {
        taps.at[i] = offset(runs[i]) + runs[i].column * taps.pixel_units;
        taps.begin = std::min(taps.begin, i);
        taps.end = i + 1;
      }
    }
  }

  template <class Tile>
  void run_line(const Task& task, int64_t line, const Unit* inputs, const LineTaps& taps) const {
    T* y = y_ + task.image * shape_.out_image + line * shape_.out_line;
    for (int64_t column = 0; column < shape_.columns; column += Tile::kColumns) {
      const int64_t first = std::min(column, std::max<int64_t>(shape_.columns - Tile::kColumns, 0));
      if (is_far_) {
        prefetch_next(task, line, first);
      }
      for (int64_t block = task.first_block; block < task.last_block; ++block) {
        const int64_t unit = (block - task.first_block) * lanes_.block_units<M>();
        run_tile<Tile>(block, first, inputs + unit, taps, y + first * shape_.out_pixel + block * kLanes);
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
    const int64_t ins_of_block = lanes_.groups_of_block<M>() * lanes_.in;
    prefetch_pixels(
        y_ + task.image * shape_.out_image + (line + 1) * shape_.out_line + column * shape_.out_pixel + outs, kMaxTile,
        shape_.out_pixel, blocks * kLanes);
    for (int64_t i = 1; i <= shape_.line_step; ++i) {
      const int64_t in_line = std::min(line * shape_.line_step + limits_.bottom + i, shape_.in_lines - 1);
      const int64_t pixel = (task.image * shape_.in_lines + in_line) * shape_.in_columns + column * shape_.column_step;
      prefetch_pixels(x_ + pixel * shape_.in_pixel + task.first_block * ins_of_block, kMaxTile * shape_.column_step,
                      shape_.in_pixel, blocks * ins_of_block);
    }
  }

  /// Units [first, first + count) of the pixels of a line, `step` apart, with its border of zeros. Lines of which no
  /// tap reads anything are left out.
  void pack_line(int64_t image, int64_t line, int64_t first, int64_t count, int64_t step, Unit* to) const {
    if (lanes_.joins_lines<M>()) {
      const PixelArray<T> x{.data = x_,
                            .lines = shape_.in_lines,
                            .columns = shape_.in_columns,
                            .step = shape_.in_pixel,
                            .channels = count,
                            .pixels = shape_.images * shape_.in_lines * shape_.in_columns};
      cpu::LV_ISA::pack_line<M, T>(x.line(image, line, limits_.left, first),
                                   x.line(image, line + filter_.line_gap(), limits_.left, first), in_columns(), count,
                                   {.count = 1, .width = step, .units = 0}, to);
      return;
    }
    if (line < 0 || line >= shape_.in_lines) {
      return;
    }
    const int64_t columns = in_columns();
    const int64_t begin = std::clamp<int64_t>(-limits_.left, 0, columns);
    const int64_t end = std::clamp<int64_t>(shape_.in_columns - limits_.left, begin, columns);
    std::fill_n(to, begin * step, Unit(0));
    const int64_t pixel = (image * shape_.in_lines + line) * shape_.in_columns + limits_.left + begin;
    const T* from = x_ + pixel * shape_.in_pixel + first * M::kDepth;
    const bool is_dense = shape_.in_pixel == step * M::kDepth;
    const int64_t pixels = is_dense ? 1 : end - begin;
    const int64_t units = is_dense ? (end - begin) * count : count;
    Unit* at = to + begin * step;
    for (int64_t i = 0; i < pixels; ++i, from += shape_.in_pixel, at += step) {
      int64_t unit = 0;
      for (; unit + kLanes <= units; unit += kLanes) {
        simd::store(at + unit, simd::load(units_at(from) + unit));
      }
      if (unit < units) {  // what follows overwrites what is too much
        simd::store(at + unit, simd::load(units_at(from) + unit, units - unit));
      }
    }
    std::fill_n(to + end * step, (columns - end) * step, Unit(0));
  }

  /// Elements as they are loaded into units: themselves where a unit is one.
  static auto units_at(const T* elements) {
    if constexpr (M::kDepth == 1) {
      return elements;
    } else {
      return reinterpret_cast<const Unit*>(elements);
    }
  }

  /// What a tile reads for one run of taps.
  struct TileInputs {
    const Unit* pixel;  // the first one
    int64_t step;       // between pixels
    int64_t first;      // its number among the `count` that are in the picture, negative before them;
    uint64_t count;     // others are read only where they are packed, as zeros
    int32_t keep;       // bits of joined lines that a tap meets
  };
  template <class Tile>
  [[nodiscard]] TileInputs tile_inputs(const Unit* data, int64_t column, const LineTaps& taps, size_t run) const {
    const TapRun& at = filter_.runs()[run];
    const int64_t step = Tile::kStep > 0 ? 1 : shape_.column_step;
    const int64_t first = column * shape_.column_step + at.column;
    const int64_t before = chunk_count(-first, step);
    return {.pixel = data + taps.at[run] + column * shape_.column_step * taps.pixel_units,
            .step = step * taps.pixel_units,
            .first = -before,
            .count = uint64_t(chunk_count(shape_.in_columns - first, step) - before),
            .keep = lanes_.joins_lines<M>() && at.below == TapRun::kNone ? 0xffff : -1};
  }

  /// A tile of a block's outputs from column `first` on, of which those within the line are written.
  template <class Tile>
  void run_tile(int64_t block, int64_t first, const Unit* inputs, const LineTaps& taps, T* y) const {
    Sums sums[Tile::kColumns];
    const Sums bias = simd::load(filter_.bias(block));
#pragma GCC unroll 16
    for (Sums& sum : sums) {
      sum = bias;
    }
    const Unit* weights = filter_.weights(block, taps.begin);
    for (size_t run = taps.begin; run < taps.end; ++run) {
      const TileInputs from = tile_inputs<Tile>(inputs, first, taps, run);
      for (int64_t unit = 0; unit < lanes_.units<M>(); ++unit, weights += Tile::kTaps * kLanes) {
        add_taps<Tile>(from, unit, weights, sums);
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
  void add_taps(const TileInputs& from, int64_t unit, const Unit* weights, Sums (&sums)[Tile::kColumns]) const {
    constexpr int kSpacing = Tile::kStep > 0 ? Tile::kStep : 1;
    constexpr int kTaps = Tile::kTaps;
    Units factors[kTaps];
#pragma GCC unroll 8
    for (int tap = 0; tap < kTaps; ++tap) {
      factors[tap] = simd::load(weights + tap * kLanes);
    }
    const auto spread = simd::load(spread_.data() + unit * kLanes);
    const Unit* pixel = from.pixel;
#pragma GCC unroll 40
    for (int column = 0; column < (Tile::kColumns - 1) * kSpacing + kTaps; ++column, pixel += from.step) {
      if (Tile::kSpread == Spread::direct && uint64_t(column + from.first) >= from.count) {
        continue;
      }
      Units value = load_inputs<Tile>(pixel, unit, spread, from.keep);
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

  /// What the lanes of a block's outputs meet at a pixel.
  template <class Tile>
  static Units load_inputs(const Unit* pixel, int64_t unit, simd::Vec<simd::IntOf<Unit>> spread, int32_t keep) {
    if constexpr (Tile::kSpread == Spread::broadcast) {
      return Units(pixel[unit]);
    } else if constexpr (Tile::kSpread == Spread::permuted) {
      return permute(simd::load(pixel), spread);
    } else if constexpr (M::kDepth == 1) {
      return simd::load(pixel);
    } else {
      return simd::load(pixel) & Units(keep);
    }
  }

  const GatherShape& shape_;
  GroupLanes lanes_;
  const T* x_;
  T* y_;
  GatherShape::Limits limits_;
  GroupFilter<M, T> filter_;
  std::vector<simd::IntOf<Unit>> spread_;
  int64_t blocks_;
  int64_t blocks_of_chunk_ = 1, lines_of_band_ = 1;
  bool is_far_ = false;  // x and y come from memory
};

}  // namespace lv::kernels::cpu::LV_ISA
