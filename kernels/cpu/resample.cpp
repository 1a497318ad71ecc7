#include "kernels/resample.h"

#include "core/parallel.h"
#include "kernels/cpu/channel_blocks.h"
#include "kernels/cpu/copy_bytes.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/scratch.h"
#include "kernels/scalar.h"
#include "kernels/simd/stream.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

struct LineSumTag;

/// The terms of one output along one axis.
template <class A>
struct Taps {
  const A* weights;
  int64_t start;
  int64_t count;

  Taps(const AxisTable& table, int64_t o)
      : weights(table.weights.as<A>() + o * table.weights.size(1)),
        start(table.start.as<int32_t>()[o]),
        count(table.weights.size(1)) {}
  explicit Taps(const A& one) : weights(&one), start(0), count(1) {}
  [[nodiscard]] bool is_copy() const { return count == 1 && weights[0] == 1; }
};

/// Distances in x between neighbouring rows and columns.
struct Steps {
  int64_t row, column;
};

/// One output cell; `first` is the first cell that the taps may touch. Inlined with all that it calls: GCC would keep
/// what several steps share out of line, which costs short cells half of their speed.
template <class In, class Out>
[[gnu::always_inline]] inline void resample_cell(const In* first, Out* y, int64_t channels, Steps steps,
                                                 const Taps<ComputeType<Out>>& rows,
                                                 const Taps<ComputeType<Out>>& columns, simd::ReadPath path) {
  using V = simd::Vec<simd::Lane<Out>>;
  using A = ComputeType<Out>;
  if (std::is_same_v<In, Out> && rows.is_copy() && columns.is_copy()) {
    copy_bytes(y, first, channels * int64_t(sizeof(Out)));
    return;
  }
  for_each_channel_block<Out>(channels, [&]<int kVectors>(int64_t c, auto lanes) __attribute__((always_inline)) {
    V sum[kVectors] = {};
    for (int64_t a = 0; a < rows.count; ++a) {
      const In* cell = first + a * steps.row + c;
      for (int64_t b = 0; b < columns.count; ++b, cell += steps.column) {
        const A weight = rows.weights[a] * columns.weights[b];
        if (weight != 0) {
          for (int v = 0; v < kVectors; ++v) {
            path.prefetch_after(cell + v * V::kLanes);
            sum[v] = fma(lanes.load(cell + v * V::kLanes), V(weight), sum[v]);
          }
        }
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      lanes.store(y + c + v * V::kLanes, sum[v]);
    }
  });
}

/// A line of cells; `from` is the first line that the row taps touch.
template <class In, class Out>
void resample_line(const In* from, Out* y, int64_t channels, Steps steps, const Taps<ComputeType<Out>>& rows,
                   const AxisTable& width, simd::ReadPath path) {
  for (int64_t o = 0; o < width.start.size(0); ++o, y += channels) {
    const Taps<ComputeType<Out>> columns(width, o);
    resample_cell(from + columns.start * channels, y, channels, steps, rows, columns, path);
  }
}

template <class T>
void resample_typed(const Resample2dArgs& args) {
  using A = ComputeType<T>;
  const A one = 1;
  const int64_t rows = args.y.size(1);
  const int64_t channels = args.y.size(3);
  const int64_t out_line = args.y.size(2) * channels;
  const Steps steps{args.x.size(2) * channels, channels};
  const int64_t row_taps = args.height.weights.size(1);
  const int64_t column_taps = args.width.weights.size(1);
  // Elements read for a line of y. Large windows share much: their lines are added up first, in a near cache and
  // without rounding, then neighbouring cells of the sum, which are written and read once more.
  const int64_t at_once = out_line * row_taps * column_taps;
  const int64_t in_two_steps = steps.row * (row_taps + 2) + out_line * column_taps;
  const auto path = simd::ReadPath::for_rows<T>(args.x.numel());
  const int64_t grain = std::max<int64_t>(1, 65536 / std::min(at_once, in_two_steps));
  parallel_for(args.y.size(0) * rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const Taps<A> taps(args.height, o % rows);
      const T* from = args.x.as<T>() + (o / rows * args.x.size(1) + taps.start) * steps.row;
      T* y = args.y.as<T>() + o * out_line;
      if (at_once <= in_two_steps) {
        resample_line(from, y, channels, steps, taps, args.width, path);
      } else {
        A* sum = thread_scratch<LineSumTag, A>(size_t(steps.row));
        resample_cell(from, sum, steps.row, steps, taps, Taps<A>(one), path);
        resample_line(sum, y, channels, steps, Taps<A>(one), args.width, {});
      }
    }
  });
}

}  // namespace

void resample2d(const Resample2dArgs& args) {
  if (args.y.numel() > 0) {
    visit_floating(args.y.dtype, "resample2d", [&]<class T>() { resample_typed<T>(args); });
  }
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(resample2d, Resample2dArgs)
