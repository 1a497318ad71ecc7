#pragma once

#include "core/tensor.h"

namespace lv::ops {

/// Axes to reduce, in any order; negative ones count from the end, none means all.
using Axes = InlineVector<int, kMaxRank>;

// Reductions of x over some of its axes, which are dropped or, with `keepdim`, kept with size 1. x: any layout,
// floating (DTypeError otherwise). Sums are kept in float32 (float64 for float64) in an order fixed by the shape.
// Differentiable any number of times. Throw ShapeError for an axis out of range or named twice.

Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdim = false);

}  // namespace lv::ops
