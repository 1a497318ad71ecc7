#pragma once

#include "core/tensor.h"

namespace lv::ops {

/// Elements in order, and where they were.
struct Sorted {
  Tensor values;
  Tensor indices;  // int64
};

// Rows along an axis, which counts from the end when negative, of any dtype and fewer than 2^32 elements. Equal
// elements (0 and -0 too) stay in their order; NaN counts as the largest. Values are differentiable, indices are not.
// Throw ShapeError.

/// All elements of each row, ascending or descending; x's shape.
Sorted sort(const Tensor& x, int axis = -1, bool descending = false);

/// The indices that sort gives.
Tensor argsort(const Tensor& x, int axis = -1, bool descending = false);

/// The k largest (or smallest) elements of each row, the largest (smallest) first; of equal ones those of the lowest
/// indices. x's shape with k at the axis.
Sorted topk(const Tensor& x, int64_t k, int axis = -1, bool largest = true);

}  // namespace lv::ops
