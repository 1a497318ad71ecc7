#pragma once

#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"
#include "kernels/strided.h"

namespace lv::kernels::cuda {

// One thread per element of the walk, in the output's order: writes are coalesced, reads where the layouts agree.
template <class From, class To>
__global__ void copy_kernel(const From* x, To* y, StridedLoop<2> loop) {
  const int64_t index = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index < loop.count) {
    int64_t at[2];
    loop.offsets(index, at);
    y[at[1]] = convert<To>(x[at[0]]);
  }
}

}  // namespace lv::kernels::cuda
