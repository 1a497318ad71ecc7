#pragma once

#include "kernels/dispatch.h"

namespace lv::kernels {

/// y = a + factor * b over dense arrays of one floating dtype.
struct ScaledAddArgs {
  ConstTensorRef a;
  ConstTensorRef b;
  TensorRef y;
  double factor;
};

LV_KERNEL(scaled_add, ScaledAddArgs)

}  // namespace lv::kernels
