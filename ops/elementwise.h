#pragma once

#include "autograd/basic_ops.h"

namespace lv::ops {

// Functions of one tensor, element by element. x: any shape and layout, floating (DTypeError otherwise). All are
// differentiable any number of times; at a kink the derivative is the one stated, or 0.

Tensor neg(const Tensor& x);
Tensor abs(const Tensor& x);
Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);
/// 1 / sqrt(x)
Tensor rsqrt(const Tensor& x);
/// 1 / x
Tensor reciprocal(const Tensor& x);
/// x^exponent
Tensor pow(const Tensor& x, double exponent);
Tensor exp(const Tensor& x);
/// e^x - 1, accurate near 0
Tensor expm1(const Tensor& x);
/// The natural logarithm.
Tensor log(const Tensor& x);
/// log(1 + x), accurate near 0
Tensor log1p(const Tensor& x);
/// The error function.
Tensor erf(const Tensor& x);
/// The sine of an angle in radians.
Tensor sin(const Tensor& x);
/// The cosine of an angle in radians.
Tensor cos(const Tensor& x);
/// To the nearest integer, ties to even. Its derivative is 0.
Tensor round(const Tensor& x);
/// The derivative is 0.
Tensor floor(const Tensor& x);
/// x held to [low, high]; the limits may be infinite. At a limit itself the gradient passes. Throws for low > high.
Tensor clamp(const Tensor& x, double low, double high);
/// max(x, 0)
Tensor relu(const Tensor& x);
/// x, or slope x below zero
Tensor leaky_relu(const Tensor& x, double slope = 0.01);
/// 1 / (1 + e^-x)
Tensor sigmoid(const Tensor& x);
Tensor tanh(const Tensor& x);
/// x sigmoid(x)
Tensor silu(const Tensor& x);
/// x times the normal distribution function of x
Tensor gelu(const Tensor& x);
/// The approximation of gelu by a hyperbolic tangent.
Tensor gelu_tanh(const Tensor& x);
/// x min(max(x + 3, 0), 6) / 6. The derivative is 0 at -3 and 1 at 3.
Tensor hardswish(const Tensor& x);
/// log(1 + e^(beta x)) / beta
Tensor softplus(const Tensor& x, double beta = 1.0);
/// log(sigmoid(x))
Tensor log_sigmoid(const Tensor& x);

// Functions of two tensors that broadcast, of one floating dtype. Differentiable any number of times. Throw ShapeError
// when the shapes do not broadcast and DTypeError when dtypes differ or are not floating.

using autograd::add;
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
/// NaN where either is NaN; where a equals b each gets half of the gradient.
Tensor minimum(const Tensor& a, const Tensor& b);
/// As minimum.
Tensor maximum(const Tensor& a, const Tensor& b);
/// a^b
Tensor pow(const Tensor& a, const Tensor& b);

// Comparisons of two tensors that broadcast, of one dtype of any kind, or of a tensor with a number converted to its
// dtype. The result is bool.

#define LV_COMPARISON(name)                      \
  Tensor name(const Tensor& a, const Tensor& b); \
  Tensor name(const Tensor& a, double b);
LV_COMPARISON(eq)
LV_COMPARISON(ne)
LV_COMPARISON(lt)
LV_COMPARISON(le)
LV_COMPARISON(gt)
LV_COMPARISON(ge)
#undef LV_COMPARISON

/// Whether both, or either, of two elements are not zero; the operands broadcast and have one dtype of any kind.
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
/// Whether an element is zero.
Tensor logical_not(const Tensor& x);

/// mask ? a : b. The three broadcast; mask is bool, a and b are of one dtype of any kind. Differentiable in a and b,
/// any number of times. Throws ShapeError and DTypeError.
Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& mask, const Tensor& a, double b);
/// x with `value` where the mask is true; otherwise as `where`.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);

}  // namespace lv::ops

namespace lv {

// Arithmetic on tensors as on numbers: see ops::add and its neighbours. A number is taken in the tensor's dtype.

Tensor operator-(const Tensor& x);
Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& a, const Tensor& b);
Tensor operator+(const Tensor& x, double s);
Tensor operator-(const Tensor& x, double s);
Tensor operator*(const Tensor& x, double s);
Tensor operator/(const Tensor& x, double s);
Tensor operator+(double s, const Tensor& x);
Tensor operator-(double s, const Tensor& x);
Tensor operator*(double s, const Tensor& x);
Tensor operator/(double s, const Tensor& x);

}  // namespace lv
