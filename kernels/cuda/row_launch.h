#pragma once

#include "kernels/cuda/channel_norm.launch.h"
#include "kernels/cuda/softmax.cuh"

// Launch shapes of kernels whose rows are walked by a warp or by a block.

namespace lv::kernels::cuda {

inline dim3 row_block(int64_t n) { return n <= kWarpRow ? dim3(32, kRowsOfBlock) : dim3(kLongRowThreads); }

inline dim3 row_grid(int64_t rows, int64_t n) {
  const int64_t blocks = n <= kWarpRow ? (rows + kRowsOfBlock - 1) / kRowsOfBlock : rows;
  LV_CHECK(blocks <= INT32_MAX, "cuda: {} rows are too many for one launch", rows);
  return dim3(unsigned(blocks));
}

}  // namespace lv::kernels::cuda
