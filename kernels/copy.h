#pragma once

#include "kernels/dispatch.h"

namespace lv::kernels {

/// y[i] = convert(x[i]) for arrays of one shape, any layouts, any dtypes.
struct CopyArgs {
  ConstTensorRef x;
  TensorRef y;
};

LV_KERNEL(copy, CopyArgs)

}  // namespace lv::kernels
