#pragma once

#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"
#include "kernels/strided.h"

namespace lv::kernels::cuda {

// One thread per output element, which adds its terms in their order.
template <class T>
__global__ void reduce_sum_kernel(const T* x, T* y, StridedLoop<2> outputs, StridedLoop<1> terms) {
  const int64_t index = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index < outputs.count) {
    int64_t at[2];
    outputs.offsets(index, at);
    ComputeType<T> sum = 0;
    for (int64_t k = 0; k < terms.count; ++k) {
      int64_t term[1];
      terms.offsets(k, term);
      sum += widen(x[at[0] + term[0]]);
    }
    y[at[1]] = convert<T>(sum);
  }
}

}  // namespace lv::kernels::cuda
