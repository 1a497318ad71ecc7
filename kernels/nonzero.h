#pragma once

#include "kernels/dispatch.h"

namespace lv::kernels {

// Positions of the nonzero elements, in two passes over chunks of kNonzeroChunk elements, between which the caller adds
// up.

inline constexpr int64_t kNonzeroChunk = 1024;

/// counts[c] = number of elements of chunk c that are not 0 (NaN is not). x: any dtype, contiguous; counts: int64.
struct CountNonzeroArgs {
  ConstTensorRef x;
  TensorRef counts;
};

LV_KERNEL(count_nonzero, CountNonzeroArgs)

/// positions[p] = coordinates of the p-th nonzero element in row-major order, where chunk c begins with p = starts[c].
/// x: of any shape; positions: [count, rank of x], int64.
struct NonzeroPositionsArgs {
  ConstTensorRef x;
  ConstTensorRef starts;
  TensorRef positions;
};

LV_KERNEL(nonzero_positions, NonzeroPositionsArgs)

}  // namespace lv::kernels
