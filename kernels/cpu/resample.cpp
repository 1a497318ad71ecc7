#include "kernels/resample.h"

#include "core/parallel.h"
#include "kernels/cpu/channel_blocks.h"
#include "kernels/cpu/isa.h"
#include "kernels/scalar.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

template <class Value>
struct Taps {
  explicit Taps(const AxisTable& table)
      : start(table.start.as<int32_t>()), weights(table.weights.as<Value>()), count(table.weights.size(1)) {}
  const int32_t* start;
  const Value* weights;
  int64_t count;
};

/// One block of channels of one output cell; `cell` is the block in the first row and column of the image.
template <class T, class Count>
void resample_cell(const T* cell, T* y, Count channels, int64_t row_step, int64_t column_step,
                   const Taps<ComputeType<T>>& height, int64_t oh, const Taps<ComputeType<T>>& width, int64_t ow) {
  using Value = ComputeType<T>;
  Value sum[kChannelBlock] = {};
  for (int64_t a = 0; a < height.count; ++a) {
    const Value row_weight = height.weights[oh * height.count + a];
    for (int64_t b = 0; b < width.count; ++b) {
      const Value weight = row_weight * width.weights[ow * width.count + b];
      if (weight != 0) {
        const T* x = cell + (height.start[oh] + a) * row_step + (width.start[ow] + b) * column_step;
        for (int64_t c = 0; c < channels; ++c) {
          sum[c] += weight * widen(x[c]);
        }
      }
    }
  }
  for (int64_t c = 0; c < channels; ++c) {
    y[c] = convert<T>(sum[c]);
  }
}

}  // namespace

void resample2d(const Resample2dArgs& args) {
  const int64_t rows = args.y.size(1);
  const int64_t columns = args.y.size(2);
  const int64_t channels = args.y.size(3);
  const int64_t column_step = channels;
  const int64_t row_step = args.x.size(2) * channels;
  const int64_t image_step = args.x.size(1) * row_step;
  visit_floating(args.x.dtype, "resample2d", [&]<class T>() {
    const T* x = args.x.as<T>();
    T* y = args.y.as<T>();
    const Taps<ComputeType<T>> height(args.height);
    const Taps<ComputeType<T>> width(args.width);
    const int64_t row_cost = std::max<int64_t>(1, columns * channels * height.count * width.count);
    parallel_for(args.y.size(0) * rows, std::max<int64_t>(1, 65536 / row_cost), [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line) {
        const T* image = x + line / rows * image_step;
        for (int64_t ow = 0; ow < columns; ++ow) {
          for_each_channel_block(channels, [&](int64_t c, auto count) {
            resample_cell(image + c, y + (line * columns + ow) * channels + c, count, row_step, column_step, height,
                          line % rows, width, ow);
          });
        }
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(resample2d, Resample2dArgs)
