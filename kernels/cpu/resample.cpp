#include "kernels/resample.h"

#include "core/parallel.h"
#include "kernels/cpu/channel_blocks.h"
#include "kernels/cpu/isa.h"
#include "kernels/scalar.h"
#include "kernels/simd/stream.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// The terms of one output along one axis.
template <class Value>
struct Taps {
  const Value* weights;
  int64_t start;
  int64_t count;

  Taps(const AxisTable& table, int64_t o)
      : weights(table.weights.as<Value>() + o * table.weights.size(1)),
        start(table.start.as<int32_t>()[o]),
        count(table.weights.size(1)) {}
  [[nodiscard]] bool is_copy() const { return count == 1 && weights[0] == 1; }
};

/// Distances in x between neighbouring rows and columns.
struct Steps {
  int64_t row, column;
};

/// One output cell; `first` is the first cell that the taps may touch.
template <class In, class Out>
void resample_cell(const In* first, Out* y, int64_t channels, Steps steps, const Taps<ComputeType<Out>>& rows,
                   const Taps<ComputeType<Out>>& columns, simd::StorePath path) {
  using V = simd::Vec<simd::Lane<Out>>;
  using Value = ComputeType<Out>;
  for_each_channel_block<Out>(channels, [&]<int kVectors>(int64_t c, auto lanes) {
    V sum[kVectors] = {};
    for (int64_t a = 0; a < rows.count; ++a) {
      const In* cell = first + a * steps.row + c;
      for (int64_t b = 0; b < columns.count; ++b, cell += steps.column) {
        const Value weight = rows.weights[a] * columns.weights[b];
        if (weight != 0) {
          for (int v = 0; v < kVectors; ++v) {
            sum[v] = fma(lanes.load(cell + v * V::kLanes), V(weight), sum[v]);
          }
        }
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      path.store(lanes, y + c + v * V::kLanes, sum[v]);
    }
  });
}

template <class In, class Out>
void resample_typed(const Resample2dArgs& args) {
  using Value = ComputeType<Out>;
  const int64_t rows = args.y.size(1);
  const int64_t columns = args.y.size(2);
  const int64_t channels = args.y.size(3);
  const Steps steps{args.x.size(2) * channels, channels};
  const In* x = args.x.as<In>();
  Out* y = args.y.as<Out>();
  const int64_t taps = args.height.weights.size(1) * args.width.weights.size(1);
  const int64_t row_cost = std::max<int64_t>(1, columns * channels * taps);
  const auto path = simd::StorePath::for_rows(y, channels, args.y.numel());
  parallel_for(args.y.size(0) * rows, std::max<int64_t>(1, 65536 / row_cost), [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) {
      const Taps<Value> row_taps(args.height, line % rows);
      const In* row = x + (line / rows * args.x.size(1) + row_taps.start) * steps.row;
      Out* target = y + line * columns * channels;
      for (int64_t ow = 0; ow < columns; ++ow, target += channels) {
        const Taps<Value> column_taps(args.width, ow);
        const In* first = row + column_taps.start * steps.column;
        if (std::is_same_v<In, Out> && !path.past_caches && row_taps.is_copy() && column_taps.is_copy()) {
          std::memcpy(static_cast<void*>(target), first, size_t(channels) * sizeof(Out));
        } else {
          resample_cell(first, target, channels, steps, row_taps, column_taps, path);
        }
      }
    }
    path.finish();
  });
}

}  // namespace

void resample2d(const Resample2dArgs& args) {
  visit_resampled(args.x.dtype, args.y.dtype, [&]<class In, class Out>() { resample_typed<In, Out>(args); });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(resample2d, Resample2dArgs)
