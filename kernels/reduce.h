#pragma once

#include "kernels/dispatch.h"

namespace lv::kernels {

/// y = sum of x over the axes where y has size 1 and x has not. Same rank, one floating dtype, any layouts; sums are
/// kept in ComputeType, in an order fixed by the shapes.
struct ReduceSumArgs {
  ConstTensorRef x;
  TensorRef y;
};

LV_KERNEL(reduce_sum, ReduceSumArgs)

}  // namespace lv::kernels
