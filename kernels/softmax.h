#pragma once

#include "kernels/dispatch.h"

namespace lv::kernels {

/// y = exp(x) / sum(exp(x)), or its logarithm, over the axis of size n. x, y: [R, n], any row step; or [O, n, I],
/// row-major; of one floating dtype.
struct SoftmaxArgs {
  ConstTensorRef x;
  TensorRef y;
  bool is_log = false;
};
LV_KERNEL(softmax, SoftmaxArgs)

/// The gradient of x from that of y and from y itself; shapes as in SoftmaxArgs.
struct SoftmaxGradArgs {
  ConstTensorRef grad_y;
  ConstTensorRef y;
  TensorRef grad_x;
  bool is_log = false;
};
LV_KERNEL(softmax_grad, SoftmaxGradArgs)

}  // namespace lv::kernels
