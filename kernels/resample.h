#pragma once

#include "kernels/dispatch.h"

namespace lv::kernels {

/// A linear map along one axis: output o is the sum of weights[o, k] * input[start[o] + k] over k below `taps`.
/// Resizing, its gradient and mirrored padding are all such maps. Terms of weight 0 are not read, so a window may reach
/// outside the array there.
struct AxisTable {
  ConstTensorRef start;    // [out], i32
  ConstTensorRef weights;  // [out, taps], f32 (f64 for f64 arrays)
};

/// y = the two maps applied to the middle axes of x. x: [N, H, W, C], y: [N, OH, OW, C]; dense, of one floating dtype.
struct Resample2dArgs {
  ConstTensorRef x;
  TensorRef y;
  AxisTable height;
  AxisTable width;
};

LV_KERNEL(resample2d, Resample2dArgs)

}  // namespace lv::kernels
