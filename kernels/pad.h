#pragma once

#include "kernels/dispatch.h"
#include "kernels/pad.plan.h"

namespace lv::kernels {

/// y = x surrounded with `value`, the bits of one element in its lowest bytes. Both dense, of one dtype.
struct PadArgs {
  ConstTensorRef x;
  TensorRef y;
  PadPlan plan;
  uint64_t value = 0;
};

LV_KERNEL(pad, PadArgs)

}  // namespace lv::kernels
