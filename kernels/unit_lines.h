#pragma once

#include "kernels/dispatch.h"

// Lines are the runs along one axis of a row-major array, seen as [outer, n, inner]; there are outer * inner of them.
// Results of a line are in the accumulation type unless stated otherwise.

namespace lv::kernels {

/// y = x * gain / max(|x|, eps) with the L2 norm of each line. x, y: [outer, n, inner], row-major; gain: [lines] or
/// absent (1); norm: [lines].
struct UnitLinesArgs {
  ConstTensorRef x;
  ConstTensorRef gain;
  double eps = 0;
  TensorRef y;
  TensorRef norm;
};
LV_KERNEL(unit_lines, UnitLinesArgs)

/// grad_x: as x, or absent; grad_gain: [lines] or absent. Below eps the norm counts as constant.
struct UnitLinesGradArgs {
  ConstTensorRef grad_y;
  ConstTensorRef x;
  ConstTensorRef gain;
  ConstTensorRef norm;
  double eps = 0;
  TensorRef grad_x;
  TensorRef grad_gain;
};
LV_KERNEL(unit_lines_grad, UnitLinesGradArgs)

/// y = a.b / (max(|a|, eps) max(|b|, eps)) for each pair of lines. a, b: [outer, n, inner], row-major, one dtype;
/// y: [lines] in that dtype; factors: [3, lines] = y, max(|a|, eps), max(|b|, eps).
struct CosineArgs {
  ConstTensorRef a;
  ConstTensorRef b;
  double eps = 0;
  TensorRef y;
  TensorRef factors;
};
LV_KERNEL(cosine, CosineArgs)

/// grad_a, grad_b: as a and b, or absent. Below eps a norm counts as constant. grad_y: [lines], row-major.
struct CosineGradArgs {
  ConstTensorRef grad_y;
  ConstTensorRef a;
  ConstTensorRef b;
  ConstTensorRef factors;
  double eps = 0;
  TensorRef grad_a;
  TensorRef grad_b;
};
LV_KERNEL(cosine_grad, CosineGradArgs)

}  // namespace lv::kernels
