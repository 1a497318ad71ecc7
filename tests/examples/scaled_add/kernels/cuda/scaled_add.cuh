#pragma once

#include "kernels/scalar.h"
#include "kernels/scaled_add.cell.h"
#include "kernels/simt/dialect.h"

namespace lv::kernels::cuda {

// One thread per element.
template <class T>
__global__ void scaled_add_kernel(const T* a, const T* b, T* y, ComputeType<T> factor, int64_t count) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < count) {
    y[i] = convert<T>(scaled_add_cell(widen(a[i]), widen(b[i]), factor));
  }
}

}  // namespace lv::kernels::cuda
