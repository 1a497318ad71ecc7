#pragma once

#include "core/tensor.h"

namespace lv::ops {

/// exp(x) / sum(exp(x)) over `axis` (negative: from the end). x: any shape with that axis, floating dtype; the result
/// has x's shape and dtype. Differentiable. An element of -inf gives 0; a slice of nothing but -inf gives NaN. The last
/// axis is read in any arrangement of evenly spaced rows, others in row-major tensors. Throws ShapeError, DTypeError.
Tensor softmax(const Tensor& x, int axis = -1);

/// The logarithm of softmax(x, axis), without its loss of precision for small values.
Tensor log_softmax(const Tensor& x, int axis = -1);

}  // namespace lv::ops
