#pragma once

#include "kernels/simt/dialect.h"

namespace lv::kernels::cuda {

struct SliceGeometry {
  int64_t size;   // of the axis in dx
  int64_t count;  // in grad
  int64_t inner;
  int64_t begin;
  int64_t step;
};

// One thread per element of dx, in its order.
template <class W>
__global__ void slice_backward_kernel(const W* grad, W* dx, int64_t total, SliceGeometry g) {
  const int64_t index = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index < total) {
    const int64_t line = index / g.inner;
    const int64_t offset = line % g.size - g.begin;
    const int64_t k = offset / g.step;
    const bool is_chosen = offset >= 0 && k * g.step == offset && k < g.count;
    dx[index] = is_chosen ? grad[(line / g.size * g.count + k) * g.inner + index % g.inner] : W(0);
  }
}

}  // namespace lv::kernels::cuda
