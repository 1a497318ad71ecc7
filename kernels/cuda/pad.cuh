#pragma once

#include "kernels/pad.plan.h"
#include "kernels/simt/dialect.h"

namespace lv::kernels::cuda {

// One thread per element of y, in its order.
template <class W>
__global__ void pad_kernel(const W* x, W* y, PadPlan plan, W value, int64_t count) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < count) {
    const int64_t source = plan.source(i, plan.rank);
    y[i] = source < 0 ? value : x[source];
  }
}

}  // namespace lv::kernels::cuda
