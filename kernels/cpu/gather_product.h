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
struct AllPixelsTag;
struct AllRowsTag;

/// y[image, line, column, :] = bias + sum over taps of x[pixel of the tap, :] weights[tap, :, :].
template <class M, class T, class Out = T>
class GatherProduct {
 public:
  using Unit = typename M::Unit;
  using Sum = typename M::Sum;

  GatherProduct(const GatherShape& shape, const T* x, const PanelSource<T>& weights, const T* bias, Out* y)
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

  /// Results pass through activate(from, to, count) on their way to y. `before`, shaped as y, keeps what they were;
  /// nullptr where nobody asks.
  using Activate = void (*)(const Out* from, Out* to, int64_t count);
  void set_activation(Activate activate, Out* before) {
    activate_ = activate;
    before_ = before;
  }

  /// Adds `addend`, shaped as y, where it is not nullptr; then comes the ReLU, where it is wanted.
  void set_finish(const Out* addend, bool relu) {
    addend_ = addend;
    least_ = relu ? Sum(0) : -std::numeric_limits<Sum>::infinity();
  }

  /// Cuts the work into at least `tasks`, if there is enough of it.
  void run(int64_t tasks = 16) {
    if (runs() == 0 || panels_ == 0) {
      return;
    }
    constexpr int64_t kEnoughPanels = 8;
    const int64_t pixels = shape_.images * shape_.in_lines * shape_.in_columns * units_;
    if (panels_ >= kEnoughPanels && panels_ * panel_units_ > pixels) {
      run_by_panels();
    } else {
      run_by_pixels(tasks);
    }
  }

 private:
  [[nodiscard]] int64_t runs() const { return shape_.images * shape_.lines * runs_of_line_; }

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

  /// Weights are packed once, pixels by the task that reads them.
  void run_by_pixels(int64_t tasks) {
    plan_tasks(tasks);
    Unit* packed = thread_scratch<PackedPanelsTag, Unit>(size_t(panels_ * panel_units_));
    parallel_for(panels_, 8192 / std::max<int64_t>(panel_units_, 1), [&](int64_t begin, int64_t end) {
      for (int64_t panel = begin; panel < end; ++panel) {
        pack_panel<M>(weights_, panel, packed + panel * panel_units_);
      }
    });
    const int64_t spans = chunk_count(runs(), runs_of_task_);
    parallel_for(spans * chunk_count(panels_, panels_of_task_), 1, [&](int64_t task, int64_t) {
      const int64_t first = task % spans * runs_of_task_;
      const int64_t last = std::min(first + runs_of_task_, runs());
      const int64_t panel = task / spans * panels_of_task_;
      auto* rows = thread_scratch<RowRunTag, RowRun<M, Out>>(size_t(last - first + 1));
      Unit* pixels = thread_scratch<PackedPixelsTag, Unit>(size_t(in_place_ ? 0 : span_of(first, last).units));
      find_rows(first, last, pixels, rows);
      multiply(rows, last - first, span_of(first, last).line_units, panel, std::min(panel + panels_of_task_, panels_),
               packed + panel * panel_units_);
    });
  }

  /// Pixels are packed once, and a task takes all of them with one panel of the weights: where there are more weights
  /// than pixels.
  void run_by_panels() {
    const int64_t runs_of_image = shape_.lines * runs_of_line_;
    const int64_t image_units = in_place_ ? 0 : span_of(0, runs_of_image).units;
    auto* rows = thread_scratch<AllRowsTag, RowRun<M, Out>>(size_t(runs() + 1));
    Unit* pixels = thread_scratch<AllPixelsTag, Unit>(size_t(shape_.images * image_units));
    parallel_for(shape_.images, 1, [&](int64_t image, int64_t) {
      const int64_t first = image * runs_of_image;
      find_rows(first, first + runs_of_image, pixels + image * image_units, rows + first);
    });
    parallel_for(panels_, 1, [&](int64_t panel, int64_t) {
      Unit* packed = thread_scratch<PackedPanelsTag, Unit>(size_t(panel_units_));
      pack_panel<M>(weights_, panel, packed);
      multiply(rows, runs(), span_of(0, runs_of_image).line_units, panel, panel + 1, packed);
    });
  }

  /// Tasks take as many panels as stay in the second-level cache, and pixels for a quarter of it.
  void plan_tasks(int64_t tasks) {
    constexpr int64_t kPanelBytes = 512 << 10;
    constexpr int64_t kPixelBytes = 192 << 10;
    panels_of_task_ =
        std::clamp<int64_t>(kPanelBytes / std::max<int64_t>(panel_units_ * int64_t(sizeof(Unit)), 1), 1, panels_);
    const int64_t groups = chunk_count(panels_, panels_of_task_);
    const int64_t wanted = std::max<int64_t>(2, std::min(kPixelBytes / run_bytes(), runs() * groups / tasks));
    // Whole lines, or an even part of one.
    if (wanted < runs_of_line_) {
      runs_of_task_ = chunk_count(runs_of_line_, chunk_count(runs_of_line_, wanted));
      runs_of_task_ += in_place_ ? runs_of_task_ % 2 : 0;
    } else {
      const int64_t lines = wanted / runs_of_line_;
      runs_of_task_ = (lines + (runs_of_line_ * lines) % 2) * runs_of_line_;
    }
  }

  [[nodiscard]] int64_t run_bytes() const {
    return std::max<int64_t>(1, run_ * shape_.column_step * units_ * int64_t(sizeof(Unit)));
  }

  /// Multiplies runs with panels [first_panel, last_panel), which begin at `packed`. rows[count] is written.
  void multiply(RowRun<M, Out>* rows, int64_t count, int64_t line_units, int64_t first_panel, int64_t last_panel,
                const Unit* packed) const {
    constexpr int64_t kBlockBytes = 24 << 10;
    const int64_t runs_of_block = std::max<int64_t>(1, kBlockBytes / (2 * run_bytes())) * 2;
    std::vector<int64_t> taps;
    for (const auto& [line, column] : shape_.taps) {
      taps.push_back((line - limits_.top) * line_units + (column - limits_.left) * pixel_units_);
    }
    const int64_t joined = joined_taps(taps);
    for (size_t i = 1; i * size_t(joined) < taps.size(); ++i) {
      taps[i] = taps[i * size_t(joined)];
    }
    // Blocks of pixels that stay in the first-level cache meet every panel.
    for (int64_t block = 0; block < count; block += runs_of_block) {
      const int64_t end = std::min(count, block + runs_of_block);
      for (int64_t panel = first_panel; panel < last_panel; ++panel) {
        const int64_t column = panel * kTileColumns<M>;
        multiply_block(rows, block, end, column,
                       {.b = packed + (panel - first_panel) * panel_units_,
                        .bias = bias_.data() + column,
                        .taps = taps.data(),
                        .tap_count = int64_t(taps.size()) / joined,
                        .depth = units_ * joined,
                        .a_step = shape_.column_step * pixel_units_,
                        .c_step = shape_.out_pixel,
                        .columns = int(std::min<int64_t>(kTileColumns<M>, weights_.columns - column)),
                        .least = least_});
      }
    }
  }

  void multiply_block(const RowRun<M, Out>* rows, int64_t begin, int64_t end, int64_t column,
                      const TilePanel<M>& panel) const {
    visit_tile(panel.columns, [&]<int kRun, int kVectors>() {
      for (int64_t i = begin; i < end; i += 2) {
        RowRun<M, Out> upper = rows[i];
        RowRun<M, Out> lower = i + 1 < end ? rows[i + 1] : RowRun<M, Out>{upper.a, upper.c, 0};
        for (RowRun<M, Out>* run : {&upper, &lower}) {
          run->c += column;
          run->addend = addend_ == nullptr ? nullptr : addend_ + (run->c - y_);
        }
        if (activate_ == nullptr) {
          multiply_tile<M, kRun, kVectors, Out>(upper, lower, panel);
        } else {
          multiply_and_activate<kRun, kVectors>(upper, lower, panel);
        }
      }
    });
  }

  /// Through a tile that is activated as a whole: the more elements a call, the better they fill the processor.
  template <int kRun, int kVectors>
  void multiply_and_activate(const RowRun<M, Out>& upper, const RowRun<M, Out>& lower, TilePanel<M> panel) const {
    constexpr int64_t kRunSize = int64_t{kRun} * kTileColumns<M>;
    Out tile[2 * kRunSize] = {};  // also what does not exist of it is activated
    panel.c_step = kTileColumns<M>;
    multiply_tile<M, kRun, kVectors, Out>({upper.a, tile, upper.rows}, {lower.a, tile + kRunSize, lower.rows}, panel);
    const auto copy_rows = [&](Out* to) {
      copy_tile(tile, upper.rows, panel.columns, to + (upper.c - y_));
      copy_tile(tile + kRunSize, lower.rows, panel.columns, to + (lower.c - y_));
    };
    if (before_ != nullptr) {
      copy_rows(before_);
    }
    activate_(tile, tile, 2 * kRunSize);
    copy_rows(y_);
  }

  void copy_tile(const Out* from, int rows, int columns, Out* to) const {
    for (int row = 0; row < rows; ++row, from += kTileColumns<M>, to += shape_.out_pixel) {
      if (columns == kTileColumns<M>) {
        std::copy_n(from, kTileColumns<M>, to);
      } else {
        std::copy_n(from, columns, to);
      }
    }
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
  void visit_tile(int columns, Fn&& fn) const {
    [&]<int... kOffset>(std::integer_sequence<int, kOffset...>) {
      const auto visit = [&]<int kRun>() {
        columns > M::Sums::kLanes ? fn.template operator()<kRun, 2>() : fn.template operator()<kRun, 1>();
      };
      ((run_ == kMinRun + kOffset ? visit.template operator()<kMinRun + kOffset>() : void()), ...);
    }(std::make_integer_sequence<int, kMaxRun - kMinRun + 1>{});
  }

  /// The first column of a run; the last run of a line overlaps the one before.
  [[nodiscard]] int64_t run_column(int64_t run) const {
    return std::min(run % runs_of_line_ * run_, std::max<int64_t>(shape_.columns - run_, 0));
  }

  [[nodiscard]] RowRun<M, Out> run_at(int64_t run, const Unit* line_start, int64_t first_column) const {
    const int64_t line = run / runs_of_line_;
    const int64_t column = run_column(run);
    return {.a = line_start + (column - first_column) * shape_.column_step * pixel_units_,
            .c = y_ + line / shape_.lines * shape_.out_image + line % shape_.lines * shape_.out_line +
                 column * shape_.out_pixel,
            .rows = int(std::min<int64_t>(run_, shape_.columns))};
  }

  /// What packed pixels of runs take.
  struct Span {
    int64_t lines;                     // of the output
    int64_t first_column, in_columns;  // of the input
    int64_t line_units;                // between lines, also of pixels that are read in place
    int64_t units;                     // of all at most
  };
  [[nodiscard]] Span span_of(int64_t first, int64_t last) const {
    if (in_place_) {
      return {
          .lines = 0, .first_column = 0, .in_columns = 0, .line_units = shape_.in_columns * pixel_units_, .units = 0};
    }
    const int64_t first_line = first / runs_of_line_;
    const int64_t last_line = (last - 1) / runs_of_line_;
    const bool is_part = first_line == last_line;  // of a line
    const int64_t first_column = is_part ? run_column(first) : 0;
    const int64_t end = is_part ? run_column(last - 1) + run_ : std::max<int64_t>(shape_.columns, run_);
    const int64_t in_columns = (end - 1 - first_column) * shape_.column_step + limits_.right - limits_.left + 1;
    const int64_t lines = last_line - first_line + 1;
    const int64_t images = last_line / shape_.lines - first_line / shape_.lines + 1;
    const int64_t in_lines = lines * shape_.line_step + images * (limits_.bottom - limits_.top + 1);
    return {.lines = lines,
            .first_column = first_column,
            .in_columns = in_columns,
            .line_units = in_columns * units_,
            .units = in_lines * in_columns * units_};
  }

  /// Where runs read and write; copies what they read, with its padding, to `pixels` unless it is read in place.
  void find_rows(int64_t first, int64_t last, Unit* pixels, RowRun<M, Out>* rows) const {
    const auto* x = reinterpret_cast<const Unit*>(x_);
    const Span span = span_of(first, last);
    const Unit* start = nullptr;  // of the line
    int64_t packed_until = 0;     // the input line after the last one packed, of this image
    for (int64_t run = first, before = -1; run < last; ++run) {
      const int64_t line = run / runs_of_line_;
      if (line != before) {
        const int64_t top = line % shape_.lines * shape_.line_step + limits_.top;
        const int64_t image = line / shape_.lines;
        if (in_place_) {
          start = x + ((image * shape_.in_lines + top) * shape_.in_columns + limits_.left) * pixel_units_;
        } else {
          const bool continues = run > first && line % shape_.lines > 0 && top <= packed_until;
          int64_t next = continues ? packed_until : top;
          start = pixels - (next - top) * span.line_units;
          packed_until = top + limits_.bottom - limits_.top + 1;
          for (; next < packed_until; ++next, pixels += span.line_units) {
            pack_line(image, next, span.first_column * shape_.column_step + limits_.left, span.in_columns, pixels);
          }
        }
        before = line;
      }
      rows[run - first] = run_at(run, start, span.first_column);
    }
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
    pack_pixels<M>(from, shape_.in_pixel, depth, end - begin, to + begin * units_);
  }

  static constexpr int kMinRun = kMaxRun > 4 ? 4 : 2;

  const GatherShape& shape_;
  const T* x_;
  PanelSource<T> weights_;
  Out* y_;
  Activate activate_ = nullptr;
  Out* before_ = nullptr;
  const Out* addend_ = nullptr;
  Sum least_ = -std::numeric_limits<Sum>::infinity();
  int64_t units_;  // of a tap
  GatherShape::Limits limits_;
  int run_;  // columns of a run
  int64_t runs_of_line_;
  bool in_place_;
  int64_t pixel_units_;
  int64_t panels_, panel_units_;
  int64_t panels_of_task_ = 1, runs_of_task_ = 1;
  std::vector<Sum> bias_;
};

}  // namespace lv::kernels::cpu::LV_ISA
