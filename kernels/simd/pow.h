#pragma once
// Powers of vectors with any exponent.

#include "kernels/simd/math.h"

namespace lv::simd {
inline namespace LV_ISA {

namespace detail {

/// log2(a) for finite a >= 0, 2^-44 off relative to the result; +inf and NaN give themselves.
inline Vec<double> log2_of_float(Vec<double> a) {
  constexpr int64_t kRootHalf = 0x3fe6a09e667f3bcd;
  constexpr int64_t kFraction = (int64_t(1) << 52) - 1;
  const Vec<int64_t> u = bits_as<int64_t>(a) - kRootHalf;
  // Small integers become doubles by way of the bits of 1.5 * 2^52: conversion proper is slow below AVX-512.
  const Vec<double> k = bits_as<double>((u >> 52) + 0x4338000000000000) - 0x1.8p52;
  const Vec<double> m = bits_as<double>((u & kFraction) + kRootHalf);
  // log(m) = 2 atanh(s) = 2 s + s^3 p(s^2); p is minimax, 2^-44.9 off as part of log(m).
  const Vec<double> s = (m - 1.0) / (m + 1.0);
  const Vec<double> square = s * s;
  const Vec<double> p = polynomial(square, 0.66666666675768405, 0.39999995632915958, 0.28572107988553475,
                                   0.22176237118723227, 0.19583462903910834);
  const Vec<double> log_m = fma(s * square, p, s + s);
  const Vec<double> result = fma(log_m, Vec<double>(1.4426950408889634), k);
  return select(a > 0.0, select(a < double(kInfinity), result, a), select(a == 0.0, Vec<double>(-kInfinity), a));
}

/// 2^t, 2^-40 off; t is held to [-200, 200], beyond the reach of float.
inline Vec<double> exp2_to_float(Vec<double> t) {
  t = fast_max(-200.0, fast_min(200.0, t));
  const Vec<double> shifted = t + 0x1.8p52;
  const Vec<double> r = t - (shifted - 0x1.8p52);
  const Vec<double> p = polynomial(r, 0.99999999999976141, 0.6931471805464714, 0.24022650698887879,
                                   0.055504109395211762, 0.0096181285422052044, 0.0013333452085587724,
                                   0.00015403851275654795, 1.5309704997341472e-5, 1.3176208334395343e-6);
  return p * bits_as<double>((bits_as<int64_t>(shifted) << 52) + 0x3ff0000000000000);
}

}  // namespace detail

/// x^y with the special cases of std::pow: 1 for y = 0 or x = 1 even with NaN, NaN for negative x and fractional y.
/// The float version computes in double and is below 0.51 ulp.
inline Vec<float> pow(Vec<float> x, Vec<float> y) {
  const Vec<float> magnitude = abs(x);
  const Doubles wide_x = widen(magnitude);
  const Doubles wide_y = widen(y);
  const Vec<float> result = narrow({detail::exp2_to_float(detail::log2_of_float(wide_x.low) * wide_y.low),
                                    detail::exp2_to_float(detail::log2_of_float(wide_x.high) * wide_y.high)});
  const auto is_integral = trunc(y) == y;
  const auto is_odd = is_integral & (trunc(y * 0.5F) * 2.0F != y);
  const auto is_undefined = (x < 0.0F) & (magnitude < detail::kInfinity) & !is_integral;
  const auto is_one = (y == 0.0F) | (x == 1.0F) | ((magnitude == 1.0F) & (abs(y) == detail::kInfinity));
  const Vec<float> with_sign = select(is_odd, copysign(result, x), result);
  return select(is_one, Vec<float>(1.0F), select(is_undefined, Vec<float>(detail::kNaN), with_sign));
}
inline Vec<double> pow(Vec<double> x, Vec<double> y) {
  return detail::lane_by_lane([](double a, double b) { return std::pow(a, b); }, x, y);
}

}  // namespace LV_ISA
}  // namespace lv::simd
