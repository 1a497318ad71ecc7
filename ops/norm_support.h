#pragma once

#include "autograd/function.h"

// What the norms share.

namespace lv::ops {

/// The dtype of a norm's statistics and parameters: f64 for f64, f32 otherwise.
constexpr DType statistics_dtype(DType dtype) { return dtype == DType::f64 ? DType::f64 : DType::f32; }

/// `tensor` in `dtype` and row-major; undefined stays undefined. For parameters: a copy costs nothing.
Tensor parameter_as(const autograd::Context& ctx, const Tensor& tensor, DType dtype);

/// The matrix [rows, C] of all rows along the last axis: a view where the rows are equally far apart, else a copy,
/// counted.
Tensor as_rows(const autograd::Context& ctx, const Tensor& x);

/// Product of all sizes but the last.
int64_t row_count(const Shape& shape);

/// `x` as [outer, n, inner] around `axis`, row-major: a view where x is, else a copy, counted.
Tensor as_lines(const autograd::Context& ctx, const Tensor& x, int axis);

/// x * weight + bias along the last axis, in x's dtype; either may be absent. Composed of differentiable ops.
Tensor scale_and_shift(const Tensor& x, const Tensor& weight, const Tensor& bias);

/// Throws unless `parameter` is absent or of shape [channels] and of x's dtype or its statistics' dtype.
void check_parameter(std::string_view op, std::string_view name, const Tensor& parameter, const Tensor& x,
                     const Shape& wanted);

}  // namespace lv::ops
