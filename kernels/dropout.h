#pragma once

#include "core/philox.h"
#include "kernels/dispatch.h"

namespace lv::kernels {

/// y[i] = x[i] * scale where draw i / run of `key` is at least `rate`, else 0: `run` elements share one draw. Dense,
/// one floating dtype.
struct DropoutArgs {
  ConstTensorRef x;
  TensorRef y;
  PhiloxKey key;
  int64_t run;
  float rate;
  float scale;
};

LV_KERNEL(dropout, DropoutArgs)

}  // namespace lv::kernels
