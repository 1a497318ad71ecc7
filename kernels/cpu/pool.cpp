#include "kernels/pool.h"

#include "core/parallel.h"
#include "kernels/cpu/channel_blocks.h"
#include "kernels/cpu/isa.h"
#include "kernels/scalar.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// Calls fn(n, row, column, channel, count) for every cell of a [N, rows, columns, C] array, in blocks of channels;
/// rows are spread over the threads.
template <class Fn>
void for_each_cell(const Shape& shape, int64_t cells_read, Fn&& fn) {
  const int64_t rows = shape[1];
  const int64_t columns = shape[2];
  const int64_t channels = shape[3];
  const int64_t row_cost = std::max<int64_t>(1, columns * channels * cells_read);
  parallel_for(shape[0] * rows, std::max<int64_t>(1, 65536 / row_cost), [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) {
      for (int64_t column = 0; column < columns; ++column) {
        for_each_channel_block(channels,
                               [&](int64_t c, auto count) { fn(line / rows, line % rows, column, c, count); });
      }
    }
  });
}

/// Row-major offset of [n, h, w, c].
int64_t offset_of(const Shape& shape, int64_t n, int64_t h, int64_t w, int64_t c) {
  return ((n * shape[1] + h) * shape[2] + w) * shape[3] + c;
}

int64_t window_cells(const PoolAxis& height, const PoolAxis& width) { return height.kernel * width.kernel; }

template <class T, class Index>
void max_pool_typed(const MaxPoolArgs& args) {
  using Value = ComputeType<T>;
  const auto& [in, height, width] = std::tie(args.x.shape, args.height, args.width);
  const T* x = args.x.as<T>();
  T* y = args.y.as<T>();
  Index* index = args.index.as<Index>();
  for_each_cell(args.y.shape, window_cells(height, width),
                [&](int64_t n, int64_t oh, int64_t ow, int64_t c, auto count) {
                  Value best[kChannelBlock];
                  Index chosen[kChannelBlock] = {};
                  std::fill_n(best, count, -std::numeric_limits<Value>::infinity());
                  // A window of -infinities keeps its first cell, as if the search had started there.
                  const auto start =
                      Index(height.position(oh, height.first(oh)) * width.kernel + width.position(ow, width.first(ow)));
                  std::fill_n(chosen, count, start);
                  for (int64_t h = height.first(oh); h < height.last(oh); h += height.dilation) {
                    for (int64_t w = width.first(ow); w < width.last(ow); w += width.dilation) {
                      const T* cell = x + offset_of(in, n, h, w, c);
                      const auto position = Index(height.position(oh, h) * width.kernel + width.position(ow, w));
                      for (int64_t k = 0; k < count; ++k) {
                        const Value value = widen(cell[k]);
                        const bool replaces = replaces_maximum(value, best[k]);
                        best[k] = replaces ? value : best[k];
                        chosen[k] = replaces ? position : chosen[k];
                      }
                    }
                  }
                  const int64_t at = offset_of(args.y.shape, n, oh, ow, c);
                  for (int64_t k = 0; k < count; ++k) {
                    y[at + k] = convert<T>(best[k]);
                  }
                  if (index != nullptr) {
                    std::copy_n(chosen, count, index + at);
                  }
                });
}

template <class T, class Index>
void max_pool_backward_typed(const MaxPoolBackwardArgs& args) {
  using Value = ComputeType<T>;
  const auto& [out, height, width] = std::tie(args.grad.shape, args.height, args.width);
  const T* grad = args.grad.as<T>();
  const Index* index = args.index.as<Index>();
  T* dx = args.dx.as<T>();
  for_each_cell(args.dx.shape, 2, [&](int64_t n, int64_t h, int64_t w, int64_t c, auto count) {
    Value sum[kChannelBlock] = {};
    for (int64_t oh = height.first_window(h); oh < height.last_window(h); ++oh) {
      for (int64_t ow = width.first_window(w); ow < width.last_window(w); ++ow) {
        if (!height.covers(oh, h) || !width.covers(ow, w)) {
          continue;
        }
        const auto position = int32_t(height.position(oh, h) * width.kernel + width.position(ow, w));
        const int64_t at = offset_of(out, n, oh, ow, c);
        for (int64_t k = 0; k < count; ++k) {
          const Value value = widen(grad[at + k]);  // read in any case, so that the loop has no branch
          sum[k] += int32_t(index[at + k]) == position ? value : Value(0);
        }
      }
    }
    const int64_t at = offset_of(args.dx.shape, n, h, w, c);
    for (int64_t k = 0; k < count; ++k) {
      dx[at + k] = convert<T>(sum[k]);
    }
  });
}

}  // namespace

void max_pool(const MaxPoolArgs& args) {
  visit_floating(args.x.dtype, "max_pool2d", [&]<class T>() {
    visit_pool_index(args.index.dtype, [&]<class Index>() { max_pool_typed<T, Index>(args); });
  });
}

void max_pool_backward(const MaxPoolBackwardArgs& args) {
  visit_floating(args.dx.dtype, "max_pool2d", [&]<class T>() {
    visit_pool_index(args.index.dtype, [&]<class Index>() { max_pool_backward_typed<T, Index>(args); });
  });
}

void avg_pool(const AvgPoolArgs& args) {
  const auto& [in, height, width] = std::tie(args.x.shape, args.height, args.width);
  visit_floating(args.x.dtype, "avg_pool2d", [&]<class T>() {
    using Value = ComputeType<T>;
    const T* x = args.x.as<T>();
    T* y = args.y.as<T>();
    for_each_cell(args.y.shape, window_cells(height, width),
                  [&](int64_t n, int64_t oh, int64_t ow, int64_t c, auto count) {
                    Value sum[kChannelBlock] = {};
                    for (int64_t h = height.first(oh); h < height.last(oh); ++h) {
                      for (int64_t w = width.first(ow); w < width.last(ow); ++w) {
                        const T* cell = x + offset_of(in, n, h, w, c);
                        for (int64_t k = 0; k < count; ++k) {
                          sum[k] += widen(cell[k]);
                        }
                      }
                    }
                    const Value scale = Value(1) / Value(args.divisor.of(height, width, oh, ow));
                    T* target = y + offset_of(args.y.shape, n, oh, ow, c);
                    for (int64_t k = 0; k < count; ++k) {
                      target[k] = convert<T>(sum[k] * scale);
                    }
                  });
  });
}

void avg_pool_backward(const AvgPoolBackwardArgs& args) {
  const auto& [out, height, width] = std::tie(args.grad.shape, args.height, args.width);
  visit_floating(args.dx.dtype, "avg_pool2d", [&]<class T>() {
    using Value = ComputeType<T>;
    const T* grad = args.grad.as<T>();
    T* dx = args.dx.as<T>();
    for_each_cell(args.dx.shape, 2, [&](int64_t n, int64_t h, int64_t w, int64_t c, auto count) {
      Value sum[kChannelBlock] = {};
      for (int64_t oh = height.first_window(h); oh < height.last_window(h); ++oh) {
        for (int64_t ow = width.first_window(w); ow < width.last_window(w); ++ow) {
          const T* cell = grad + offset_of(out, n, oh, ow, c);
          const Value scale = Value(1) / Value(args.divisor.of(height, width, oh, ow));
          for (int64_t k = 0; k < count; ++k) {
            sum[k] += widen(cell[k]) * scale;
          }
        }
      }
      T* target = dx + offset_of(args.dx.shape, n, h, w, c);
      for (int64_t k = 0; k < count; ++k) {
        target[k] = convert<T>(sum[k]);
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(max_pool, MaxPoolArgs)
LV_CPU_KERNEL(max_pool_backward, MaxPoolBackwardArgs)
LV_CPU_KERNEL(avg_pool, AvgPoolArgs)
LV_CPU_KERNEL(avg_pool_backward, AvgPoolBackwardArgs)
