#pragma once

#include "kernels/dispatch.h"

namespace lv::kernels {

/// indices[r, 0 .. k) = the positions of row r's first k elements in ascending (or descending) order; equal elements
/// stay in their order, NaN counts as the largest. x: [rows, n], any dtype, n below 2^32; indices: [rows, k], int64;
/// both contiguous. workspace: argsort_workspace_bytes() bytes aligned to 8, contents irrelevant.
struct ArgsortArgs {
  ConstTensorRef x;
  TensorRef indices;
  TensorRef workspace;
  bool descending = false;
};

LV_KERNEL(argsort, ArgsortArgs)

/// Elements that one CUDA block sorts in shared memory.
inline constexpr int64_t kSortTile = 4096;
/// Runs of rows that the CPU sorts side by side, each with a workspace of its own.
inline constexpr int64_t kSortTasks = 16;

inline int64_t argsort_workspace_bytes(int64_t rows, int64_t n, DType dtype, Device device) {
  const int64_t key_bytes = size_bytes(dtype) == 8 ? 8 : 4;
  if (device.is_cuda()) {
    return n <= kSortTile ? 0 : rows * n * 2 * (key_bytes + 4);  // two arrays each of keys and of positions
  }
  const int64_t pair_bytes = 2 * key_bytes;  // a position, padded to the key
  return std::min(rows, kSortTasks) * n * 2 * pair_bytes;
}

}  // namespace lv::kernels
