#pragma once

#include <cmath>
#include <concepts>

#include "core/hostdev.h"

// The functions of kernels/simd/vec.h and math.h for single numbers, under the same names, so that a cell is written
// once for float, double and vectors of them. Vectors bring their own by argument-dependent lookup.

namespace lv::kernels::cell {

#define LV_SCALAR_FUNCTION(name, float_function, double_function) \
  LV_HOSTDEV float name(float x) { return ::float_function(x); }  \
  LV_HOSTDEV double name(double x) { return ::double_function(x); }

LV_SCALAR_FUNCTION(exp, expf, exp)
LV_SCALAR_FUNCTION(expm1, expm1f, expm1)
LV_SCALAR_FUNCTION(log, logf, log)
LV_SCALAR_FUNCTION(log1p, log1pf, log1p)
LV_SCALAR_FUNCTION(erf, erff, erf)
LV_SCALAR_FUNCTION(tanh, tanhf, tanh)
LV_SCALAR_FUNCTION(sin, sinf, sin)
LV_SCALAR_FUNCTION(cos, cosf, cos)
LV_SCALAR_FUNCTION(sqrt, sqrtf, sqrt)
LV_SCALAR_FUNCTION(abs, fabsf, fabs)
LV_SCALAR_FUNCTION(floor, floorf, floor)
LV_SCALAR_FUNCTION(round_even, rintf, rint)
#undef LV_SCALAR_FUNCTION

LV_HOSTDEV float fma(float a, float b, float c) { return ::fmaf(a, b, c); }
LV_HOSTDEV double fma(double a, double b, double c) { return ::fma(a, b, c); }
LV_HOSTDEV float pow(float x, float y) { return ::powf(x, y); }
LV_HOSTDEV double pow(double x, double y) { return ::pow(x, y); }

template <std::floating_point T>
LV_HOSTDEV T rsqrt(T x) {
  return T(1) / sqrt(x);
}

/// 1 / (1 + e^-x), without overflow.
template <std::floating_point T>
LV_HOSTDEV T sigmoid(T x) {
  const T e = exp(-abs(x));
  return (x < T(0) ? e : T(1)) / (e + T(1));
}

template <class T>
struct NormalAt {
  T distribution;
  T density;
};
/// The normal distribution function and its density.
LV_HOSTDEV NormalAt<float> normal_at(float x) {
  return {0.5F * ::erfcf(x * -0.707106781F), ::expf(x * x * -0.5F) * 0.398942280F};
}
LV_HOSTDEV NormalAt<double> normal_at(double x) {
  return {0.5 * ::erfc(x * -0.70710678118654752440), ::exp(x * x * -0.5) * 0.39894228040143267794};
}

template <std::floating_point T>
LV_HOSTDEV T select(bool condition, T a, T b) {
  return condition ? a : b;
}
/// NaN where either is NaN.
template <std::floating_point T>
LV_HOSTDEV T max(T a, T b) {
  return a > b || a != a ? a : b;
}
template <std::floating_point T>
LV_HOSTDEV T min(T a, T b) {
  return a < b || a != a ? a : b;
}

}  // namespace lv::kernels::cell
