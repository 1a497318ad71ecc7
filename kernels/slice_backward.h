#pragma once

#include "kernels/dispatch.h"

namespace lv::kernels {

/// dx[o, begin + k * step, i] = grad[o, k, i], zero elsewhere. grad: [outer, count, inner], dx: [outer, size, inner],
/// both contiguous, of one dtype.
struct SliceBackwardArgs {
  ConstTensorRef grad;
  TensorRef dx;
  int64_t begin = 0;
  int64_t step = 1;
};

LV_KERNEL(slice_backward, SliceBackwardArgs)

}  // namespace lv::kernels
