#pragma once

#include "kernels/elementwise.cell.h"
#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"
#include "kernels/strided.h"

namespace lv::kernels::cuda {

// One thread per element of the walk, in the output's order.
template <class F, class T>
__global__ void binary_kernel(const T* a, const T* b, T* y, StridedLoop<3> loop) {
  const int64_t index = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index < loop.count) {
    int64_t at[3];
    loop.offsets(index, at);
    y[at[2]] = convert<T>(F::value(widen(a[at[0]]), widen(b[at[1]])));
  }
}

}  // namespace lv::kernels::cuda
