#pragma once

#include <vector>

#include "kernels/cpu/gather_shape.h"
#include "kernels/cpu/product_panels.h"
#include "kernels/cpu/scratch.h"

// Products whose left operand is gathered from pixels: convolutions forward, their input gradients, and matrix products
// as the case of one tap.

namespace lv::kernels::cpu::LV_ISA {

struct PackedPanelsTag;
struct PackedPixelsTag;
struct RowRunTag;
struct LineTag;

/// y[image, line, column, :] = bias + sum over taps of x[pixel of the tap, :] weights[tap, :, :].
template <class M, class T>
class GatherProduct {
 public:
  using Unit = typename M::Unit;
  using Sum = typename M::Sum;

  GatherProduct(const GatherShape& shape, const T* x, const PanelSource<T>& weights, const T* bias, T* y)
      : shape_(shape),
        x_(x),
        weights_(weights),
        y_(y),
        units_(units_of<M>(weights.depth)),
        limits_(tap_limits(shape.taps)) {
    run_ = best_run();
    runs_of_line_ = chunk_count(shape.columns, run_);
    in_place_ = reads_in_place();
    pixel_units_ = in_place_ ? shape.in_pixel / M::kDepth : units_;
    panels_ = chunk_count(weights.columns, kTileColumns<M>);
    panel_units_ = int64_t(shape.taps.size()) * units_ * kTileColumns<M>;
    bias_.assign(size_t(panels_ * kTileColumns<M>), Sum(0));
    if (bias != nullptr) {
      std::transform(bias, bias + weights.columns, bias_.begin(), [](T value) { return Sum(widen(value)); });
    }
  }

  void run() {
    if (runs() == 0 || panels_ == 0) {
      return;
    }
    plan_tasks();
    packed_ = thread_scratch<PackedPanelsTag, Unit>(size_t(panels_ * panel_units_));
    parallel_for(panels_, 8192 / std::max<int64_t>(panel_units_, 1), [&](int64_t begin, int64_t end) {
      for (int64_t panel = begin; panel < end; ++panel) {
        pack_panel<M>(weights_, panel, packed_ + panel * panel_units_);
      }
    });
    const int64_t spans = chunk_count(runs(), runs_of_task_);
    parallel_for(spans * chunk_count(panels_, panels_of_task_), 1, [&](int64_t task, int64_t) {
      const int64_t first = task % spans * runs_of_task_;
      const int64_t panel = task / spans * panels_of_task_;
      run_task(first, std::min(first + runs_of_task_, runs()), panel, std::min(panel + panels_of_task_, panels_));
    });
  }

 private:
  [[nodiscard]] int64_t runs() const { return shape_.images * shape_.lines * runs_of_line_; }
  [[nodiscard]] int64_t tap_columns() const { return limits_.right - limits_.left + 1; }

  /// The length of runs that covers a line with the fewest rows beyond it.
  [[nodiscard]] int best_run() const {
    int best = kMaxRun;
    for (int run = kMaxRun - 1; run >= kMinRun; --run) {
      if (chunk_count(shape_.columns, run) * run < chunk_count(shape_.columns, best) * best) {
        best = run;
      }
    }
    return best;
  }

  /// Whether tiles can read x where it is: no padding, nothing to convert.
  [[nodiscard]] bool reads_in_place() const {
    return kReadsInPlace<M, T> && weights_.depth % M::kDepth == 0 && shape_.in_pixel % M::kDepth == 0 &&
           reinterpret_cast<uintptr_t>(x_) % sizeof(Unit) == 0 && shape_.columns >= run_ && limits_.top >= 0 &&
           limits_.left >= 0 && (shape_.lines - 1) * shape_.line_step + limits_.bottom < shape_.in_lines &&
           (shape_.columns - 1) * shape_.column_step + limits_.right < shape_.in_columns;
  }

  /// Tasks take as many panels as stay in the second-level cache, and pixels for a quarter of it.
  void plan_tasks() {
    constexpr int64_t kPanelBytes = 512 << 10;
    constexpr int64_t kPixelBytes = 192 << 10;
    constexpr int64_t kBlockBytes = 24 << 10;
    constexpr int64_t kMinTasks = 16;
    panels_of_task_ =
        std::clamp<int64_t>(kPanelBytes / std::max<int64_t>(panel_units_ * int64_t(sizeof(Unit)), 1), 1, panels_);
    const int64_t groups = chunk_count(panels_, panels_of_task_);
    const int64_t run_bytes = run_ * shape_.column_step * units_ * int64_t(sizeof(Unit));
    runs_of_block_ = std::max<int64_t>(1, kBlockBytes / std::max<int64_t>(2 * run_bytes, 1)) * 2;
    int64_t wanted = std::max<int64_t>(2, kPixelBytes / std::max<int64_t>(run_bytes, 1));
    wanted = std::min(wanted, std::max<int64_t>(2, runs() * groups / kMinTasks));
    // Whole lines, or an even part of one.
    runs_of_task_ = wanted >= runs_of_line_ ? wanted / runs_of_line_ * runs_of_line_
                                            : chunk_count(runs_of_line_, chunk_count(runs_of_line_, wanted));
    runs_of_task_ += in_place_ ? runs_of_task_ % 2 : 0;
  }

  void run_task(int64_t first, int64_t last, int64_t first_panel, int64_t last_panel) {
    auto* runs = thread_scratch<RowRunTag, RowRun<M, T>>(size_t(last - first + 1));
    int64_t line_units = shape_.in_columns * pixel_units_;
    if (in_place_) {
      find_runs(first, last, runs);
    } else {
      line_units = pack_runs(first, last, runs);
    }
    runs[last - first] = runs[last - first - 1];  // the partner of the last one of an odd number
    runs[last - first].rows = 0;
    std::vector<int64_t> taps;
    for (const auto& [line, column] : shape_.taps) {
      taps.push_back((line - limits_.top) * line_units + (column - limits_.left) * pixel_units_);
    }
    const int64_t joined = joined_taps(taps);
    for (size_t i = 1; i * size_t(joined) < taps.size(); ++i) {
      taps[i] = taps[i * size_t(joined)];
    }
    TilePanel<M> tile{.b = nullptr,
                      .bias = nullptr,
                      .taps = taps.data(),
                      .tap_count = int64_t(taps.size()) / joined,
                      .depth = units_ * joined,
                      .a_step = shape_.column_step * pixel_units_,
                      .c_step = shape_.out_pixel,
                      .columns = 0};
    // Blocks of pixels that stay in the first-level cache meet every panel.
    for (int64_t block = 0; block < last - first; block += runs_of_block_) {
      const int64_t end = std::min(last - first, block + runs_of_block_);
      for (int64_t panel = first_panel; panel < last_panel; ++panel) {
        const int64_t column = panel * kTileColumns<M>;
        tile.b = packed_ + panel * panel_units_;
        tile.bias = bias_.data() + column;
        tile.columns = int(std::min<int64_t>(kTileColumns<M>, weights_.columns - column));
        multiply(runs, block, end, column, tile);
      }
    }
  }

  void multiply(const RowRun<M, T>* runs, int64_t begin, int64_t end, int64_t column, const TilePanel<M>& tile) const {
    visit_run([&]<int kRun>() {
      for (int64_t i = begin; i < end; i += 2) {
        multiply_tile<M, kRun, T>({runs[i].a, runs[i].c + column, runs[i].rows},
                                  {runs[i + 1].a, runs[i + 1].c + column, runs[i + 1].rows}, tile);
      }
    });
  }

  /// How many taps that follow one another are one longer run of the depth in memory.
  [[nodiscard]] int64_t joined_taps(const std::vector<int64_t>& taps) const {
    const auto follows = [&](size_t i) { return taps[i] == taps[i - 1] + units_; };
    size_t joined = 1;
    while (joined < taps.size() && follows(joined)) {
      ++joined;
    }
    bool is_regular = taps.size() % joined == 0;
    for (size_t i = 1; i < taps.size(); ++i) {
      is_regular = is_regular && (i % joined == 0 || follows(i));
    }
    return is_regular ? int64_t(joined) : 1;
  }

  template <class Fn>
  void visit_run(Fn&& fn) const {
    [&]<int... kOffset>(std::integer_sequence<int, kOffset...>) {
      ((run_ == kMinRun + kOffset ? fn.template operator()<kMinRun + kOffset>() : void()), ...);
    }(std::make_integer_sequence<int, kMaxRun - kMinRun + 1>{});
  }

  /// The first column of a run; the last run of a line overlaps the one before.
  [[nodiscard]] int64_t run_column(int64_t run) const {
    return std::min(run % runs_of_line_ * run_, std::max<int64_t>(shape_.columns - run_, 0));
  }

  [[nodiscard]] RowRun<M, T> run_at(int64_t run, const Unit* line_start, int64_t first_column) const {
    const int64_t line = run / runs_of_line_;
    const int64_t column = run_column(run);
    return {.a = line_start + (column - first_column) * shape_.column_step * pixel_units_,
            .c = y_ + line / shape_.lines * shape_.out_image + line % shape_.lines * shape_.out_line +
                 column * shape_.out_pixel,
            .rows = int(std::min<int64_t>(run_, shape_.columns))};
  }

  void find_runs(int64_t first, int64_t last, RowRun<M, T>* runs) const {
    const auto* x = reinterpret_cast<const Unit*>(x_);
    for (int64_t run = first; run < last; ++run) {
      const int64_t line = run / runs_of_line_;
      const int64_t in_line =
          line / shape_.lines * shape_.in_lines + line % shape_.lines * shape_.line_step + limits_.top;
      runs[run - first] = run_at(run, x + (in_line * shape_.in_columns + limits_.left) * pixel_units_, 0);
    }
  }

  /// Copies what the runs read, with its padding, into memory of this thread. Returns the units of a line there.
  int64_t pack_runs(int64_t first, int64_t last, RowRun<M, T>* runs) const {
    const int64_t first_line = first / runs_of_line_;
    const int64_t lines = (last - 1) / runs_of_line_ + 1 - first_line;
    const int64_t first_column = lines == 1 ? run_column(first) : 0;
    const int64_t columns =
        (lines == 1 ? run_column(last - 1) + run_ : std::max<int64_t>(shape_.columns, run_)) - first_column;
    const int64_t in_columns = (columns - 1) * shape_.column_step + tap_columns();
    const int64_t line_units = in_columns * units_;
    const int64_t images = (first_line + lines - 1) / shape_.lines - first_line / shape_.lines + 1;
    auto* to = thread_scratch<PackedPixelsTag, Unit>(
        size_t((lines * shape_.line_step + images * (limits_.bottom - limits_.top + 1)) * line_units));
    auto** starts = thread_scratch<LineTag, const Unit*>(size_t(lines));
    int64_t packed_until = 0;  // the input line after the last one packed, of this image
    for (int64_t i = 0; i < lines; ++i) {
      const int64_t image = (first_line + i) / shape_.lines;
      const int64_t line = (first_line + i) % shape_.lines;
      const int64_t from = line * shape_.line_step + limits_.top;
      const int64_t until = from - limits_.top + limits_.bottom + 1;
      const bool continues = i > 0 && line > 0 && from <= packed_until;
      const int64_t next = continues ? packed_until : from;
      starts[i] = to - (next - from) * line_units;
      for (int64_t in_line = next; in_line < until; ++in_line, to += line_units) {
        pack_line(image, in_line, first_column * shape_.column_step + limits_.left, in_columns, to);
      }
      packed_until = until;
    }
    for (int64_t run = first; run < last; ++run) {
      runs[run - first] = run_at(run, starts[run / runs_of_line_ - first_line], first_column);
    }
    return line_units;
  }

  /// Input pixels [first, first + count) of a line, zeros outside the input.
  void pack_line(int64_t image, int64_t line, int64_t first, int64_t count, Unit* to) const {
    const int64_t begin = line < 0 || line >= shape_.in_lines ? count : std::clamp<int64_t>(-first, 0, count);
    const int64_t end = std::max(begin, std::min(count, shape_.in_columns - first));
    std::fill_n(to, begin * units_, Unit(0));
    std::fill_n(to + end * units_, (count - end) * units_, Unit(0));
    if (begin == end) {
      return;
    }
    const int64_t depth = weights_.depth;
    const T* from = x_ + ((image * shape_.in_lines + line) * shape_.in_columns + first + begin) * shape_.in_pixel;
    if (shape_.in_pixel == depth && depth % M::kDepth == 0) {
      pack_units<M>(from, (end - begin) * depth, to + begin * units_);
      return;
    }
    for (int64_t column = begin; column < end; ++column, from += shape_.in_pixel) {
      pack_units<M>(from, depth, to + column * units_);
    }
  }

  static constexpr int kMinRun = kMaxRun > 4 ? 4 : 2;

  const GatherShape& shape_;
  const T* x_;
  PanelSource<T> weights_;
  T* y_;
  int64_t units_;  // of a tap
  GatherShape::Limits limits_;
  int run_;  // columns of a run
  int64_t runs_of_line_;
  bool in_place_;
  int64_t pixel_units_;
  int64_t panels_, panel_units_;
  int64_t panels_of_task_, runs_of_task_, runs_of_block_;
  std::vector<Sum> bias_;
  Unit* packed_ = nullptr;
};

}  // namespace lv::kernels::cpu::LV_ISA
