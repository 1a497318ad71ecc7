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

/// y = the two maps applied to the middle axes of x. x: [N, H, W, C], y: [N, OH, OW, C]; dense, one floating dtype, or
/// one of them f32 and the other of 16 bits: so that nothing is rounded between two calls.
struct Resample2dArgs {
  ConstTensorRef x;
  TensorRef y;
  AxisTable height;
  AxisTable width;
};

LV_KERNEL(resample2d, Resample2dArgs)

/// Calls `fn.template operator()<In, Out>()` for the element types of such a pair.
template <class Fn>
void visit_resampled(DType in, DType out, Fn&& fn) {
  if (in == out) {
    visit_floating(in, "resample2d", [&]<class T>() { fn.template operator()<T, T>(); });
  } else if (in == DType::f32) {
    visit_floating(out, "resample2d", [&]<class T>() {
      if constexpr (sizeof(T) == 2) {
        fn.template operator()<float, T>();
      }
    });
  } else {
    visit_floating(in, "resample2d", [&]<class T>() {
      if constexpr (sizeof(T) == 2) {
        fn.template operator()<T, float>();
      }
    });
  }
}

}  // namespace lv::kernels
