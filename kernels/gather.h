#pragma once

#include "kernels/dispatch.h"

namespace lv::kernels {

// Arrays are contiguous, indices int64. On the CPU they must lie inside; a CUDA kernel, which cannot report one that
// does not, reads NaN (0 in integers) for it and adds nothing.

/// An index that no element has.
inline constexpr int64_t kNone = INT64_MIN;

/// *any_outside = whether any index lies outside [0, size). For the host alone.
struct CheckIndicesArgs {
  ConstTensorRef index;
  int64_t size = 0;
  bool* any_outside = nullptr;
};

namespace cpu {
void check_indices(const CheckIndicesArgs& args);
}  // namespace cpu

/// y[o, j, i] = x[o, index[o, j, i], i]. x: [outer, size, inner], index and y: [outer, count, inner], x and y of any
/// dtype. Given any_outside, the CPU looks at the indices itself: where one lies outside it sets that and leaves y
/// incomplete.
struct GatherArgs {
  ConstTensorRef x;
  ConstTensorRef index;
  TensorRef y;
  bool* any_outside = nullptr;
};

LV_KERNEL(gather, GatherArgs)

/// y[o, index[o, j, i], i] += src[o, j, i], in ascending j. src: floating; y: its ComputeType.
struct ScatterAddArgs {
  ConstTensorRef src;
  ConstTensorRef index;
  TensorRef y;
};

LV_KERNEL(scatter_add, ScatterAddArgs)

/// y[o, k, i] = x[o, index[k], i], or 0 where index[k] is `skip`. x: [outer, size, inner], index: [count], y: [outer,
/// count, inner], x and y of any dtype.
struct TakeRowsArgs {
  ConstTensorRef x;
  ConstTensorRef index;
  TensorRef y;
  int64_t skip = kNone;
};

LV_KERNEL(take_rows, TakeRowsArgs)

/// y[o, index[k], i] += src[o, k, i] for all k with index[k] != skip. order: the positions k by ascending index, those
/// of one index ascending; absent when they are in that order already. Every sum is kept in ComputeType, in that order,
/// and added to y's element once. src: [outer, count, inner], floating; y: [outer, size, inner], its dtype.
struct AddRowsArgs {
  ConstTensorRef src;
  ConstTensorRef index;
  ConstTensorRef order;
  TensorRef y;
  int64_t skip = kNone;
};

LV_KERNEL(add_rows, AddRowsArgs)

/// y[k, c] = index[k] == c. index: [count], y: [count, classes] of any dtype.
struct OneHotArgs {
  ConstTensorRef index;
  TensorRef y;
};

LV_KERNEL(one_hot, OneHotArgs)

}  // namespace lv::kernels
