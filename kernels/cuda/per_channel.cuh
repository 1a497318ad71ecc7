#pragma once

#include "kernels/simt/dialect.h"

namespace lv::kernels::cuda {

// One thread calls the cell for one channel.
template <class Cell>
__global__ void per_channel_kernel(Cell cell, int64_t count) {
  const int64_t index = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index < count) {
    cell(index);
  }
}

}  // namespace lv::kernels::cuda
