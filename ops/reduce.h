#pragma once

#include "core/tensor.h"

namespace lv::ops {

/// Axes to reduce, in any order; negative ones count from the end, none means all.
using Axes = InlineVector<int, kMaxRank>;

// Reductions of x over some of its axes, which are dropped or, with `keepdim`, kept with size 1. x: any layout,
// floating unless said otherwise. Sums are kept in float32 or wider (float64 for float64), in an order fixed by the
// shape. Differentiable any number of times. Throw DTypeError, and ShapeError for an axis out of range or named twice.

Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
/// The largest element, NaN if there is one. Elements that tie share the gradient evenly. Throws ShapeError where there
/// is nothing to choose from.
Tensor amax(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
/// The smallest element; otherwise as amax.
Tensor amin(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
/// The squared deviations from the mean, summed and divided by their number less `correction` (1: the unbiased estimate
/// of the variance).
Tensor var(const Tensor& x, const Axes& axes = {}, double correction = 1, bool keepdim = false);
/// The square root of var.
Tensor std(const Tensor& x, const Axes& axes = {}, double correction = 1, bool keepdim = false);
/// log(sum(exp(x))), without overflow
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
/// The root of the sum of squares. Its derivative at 0 is 0.
Tensor norm(const Tensor& x, const Axes& axes = {}, bool keepdim = false);

/// Whether any element is not zero. x: bool, as the result; not differentiable.
Tensor any(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
/// Whether all elements are not zero; otherwise as any.
Tensor all(const Tensor& x, const Axes& axes = {}, bool keepdim = false);

/// Index along `axis` of the largest element, the first of equals; a NaN is larger than all others. i64, not
/// differentiable. Throws ShapeError for an axis of size 0 or out of range.
Tensor argmax(const Tensor& x, int axis, bool keepdim = false);
/// Index of the smallest element, or of the first NaN; otherwise as argmax.
Tensor argmin(const Tensor& x, int axis, bool keepdim = false);

/// y[i] = x[0] + ... + x[i] along `axis`; the sum is kept in float64. Differentiable any number of times.
Tensor cumsum(const Tensor& x, int axis);

}  // namespace lv::ops
