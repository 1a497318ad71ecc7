#pragma once

#include "kernels/pool.cell.h"
#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"

namespace lv::kernels::cuda {

// Every kernel has one thread per element of the array it writes, channels fastest: neighbouring threads read
// neighbouring channels of the same cells. `index` is [n, h, w, c] of the written array.

struct PoolCell {
  int64_t n, h, w, c;
};

LV_DEVICE PoolCell pool_cell(int64_t index, int64_t rows, int64_t columns, int64_t channels) {
  const int64_t line = index / channels / columns;
  return {line / rows, line % rows, index / channels % columns, index % channels};
}

template <class T, class Index>
__global__ void max_pool_kernel(const T* x, T* y, Index* index, PoolAxis height, PoolAxis width, int64_t channels,
                                int64_t count) {
  const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) {
    const PoolCell o = pool_cell(at, height.out, width.out, channels);
    const int64_t h_begin = height.first(o.h);
    const int64_t w_begin = width.first(o.w);
    const T* image = x + (o.n * height.in * width.in) * channels + o.c;
    auto best = widen(image[(h_begin * width.in + w_begin) * channels]);
    auto chosen = Index(height.position(o.h, h_begin) * width.kernel + width.position(o.w, w_begin));
    for (int64_t h = h_begin; h < height.last(o.h); h += height.dilation) {
      for (int64_t w = w_begin; w < width.last(o.w); w += width.dilation) {
        const auto value = widen(image[(h * width.in + w) * channels]);
        if (replaces_maximum(value, best)) {
          best = value;
          chosen = Index(height.position(o.h, h) * width.kernel + width.position(o.w, w));
        }
      }
    }
    y[at] = convert<T>(best);
    if (index != nullptr) {
      index[at] = chosen;
    }
  }
}

template <class T, class Index>
__global__ void max_pool_backward_kernel(const T* grad, const Index* index, T* dx, PoolAxis height, PoolAxis width,
                                         int64_t channels, int64_t count) {
  const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) {
    const PoolCell i = pool_cell(at, height.in, width.in, channels);
    ComputeType<T> sum = 0;
    for (int64_t oh = height.first_window(i.h); oh < height.last_window(i.h); ++oh) {
      for (int64_t ow = width.first_window(i.w); ow < width.last_window(i.w); ++ow) {
        const int64_t o = ((i.n * height.out + oh) * width.out + ow) * channels + i.c;
        const bool covers = height.covers(oh, i.h) && width.covers(ow, i.w);
        const auto position = Index(height.position(oh, i.h) * width.kernel + width.position(ow, i.w));
        if (covers && index[o] == position) {
          sum += widen(grad[o]);
        }
      }
    }
    dx[at] = convert<T>(sum);
  }
}

template <class T>
__global__ void avg_pool_kernel(const T* x, T* y, PoolAxis height, PoolAxis width, PoolDivisor divisor,
                                int64_t channels, int64_t count) {
  const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) {
    const PoolCell o = pool_cell(at, height.out, width.out, channels);
    const T* image = x + (o.n * height.in * width.in) * channels + o.c;
    ComputeType<T> sum = 0;
    for (int64_t h = height.first(o.h); h < height.last(o.h); ++h) {
      for (int64_t w = width.first(o.w); w < width.last(o.w); ++w) {
        sum += widen(image[(h * width.in + w) * channels]);
      }
    }
    y[at] = convert<T>(sum / ComputeType<T>(divisor.of(height, width, o.h, o.w)));
  }
}

template <class T>
__global__ void avg_pool_backward_kernel(const T* grad, T* dx, PoolAxis height, PoolAxis width, PoolDivisor divisor,
                                         int64_t channels, int64_t count) {
  const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) {
    const PoolCell i = pool_cell(at, height.in, width.in, channels);
    ComputeType<T> sum = 0;
    for (int64_t oh = height.first_window(i.h); oh < height.last_window(i.h); ++oh) {
      for (int64_t ow = width.first_window(i.w); ow < width.last_window(i.w); ++ow) {
        const int64_t o = ((i.n * height.out + oh) * width.out + ow) * channels + i.c;
        sum += widen(grad[o]) / ComputeType<T>(divisor.of(height, width, oh, ow));
      }
    }
    dx[at] = convert<T>(sum);
  }
}

}  // namespace lv::kernels::cuda
