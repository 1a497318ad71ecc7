#pragma once
// The normal distribution on vectors, for GELU and its derivative.

#include "kernels/simd/math.h"

namespace lv::simd {
inline namespace LV_ISA {

template <class V>
struct NormalAt {
  V distribution;  // the probability of values below x
  V density;       // exp(-x^2 / 2) / sqrt(2 pi)
};

namespace detail {

/// exp(-a^2 / 2) for a in [0, 15] by 2^n 2^f with n whole and |f| <= 1/2; the coefficients are those of 2^f.
template <class... C>
Vec<float> bell(Vec<float> a, C... coefficients) {
  const Vec<float> exponent = a * a * -0.72134752F;
  const Vec<float> to_integer = 0x1.8p23F;  // leaves no room for fraction bits
  const Vec<float> n = (exponent + to_integer) - to_integer;
  return Vec<float>(native::scale(polynomial(exponent - n, coefficients...).native, n.native));
}

/// From 15 on exp(-a^2 / 2) is 0.
inline Vec<float> magnitude_up_to_15(Vec<float> x) { return fast_min(15.0F, abs(x)); }

inline NormalAt<Vec<float>> normal_from(Vec<float> x, Vec<float> bell, Vec<float> ratio) {
  const Vec<float> beyond = bell * ratio;
  return {select(x > 0.0F, 1.0F - beyond, beyond), bell * 0.398942280F};
}

}  // namespace detail

/// Both at once, for the price of one exponential. The float distribution is within 5 ulp from -1 up; below, its
/// relative error grows with x^2 (25 ulp at -8), where 1 + erf(x) would cancel.
inline NormalAt<Vec<float>> normal_at(Vec<float> x) {
  const Vec<float> a = detail::magnitude_up_to_15(x);
  // 2^f is minimax, 2^-23.7 off.
  const Vec<float> bell =
      detail::bell(a, 1.00000012F, 0.693146944F, 0.240221202F, 0.0555071309F, 0.00967554096F, 0.00132764725F);
  // The probability beyond a over exp(-a^2 / 2), in t = 1 / (1 + 19 a / 64): minimax for its relative error, 2^-24.5.
  const Vec<float> t = 3.36842108F / (a + 3.36842108F);
  const Vec<float> ratio = detail::polynomial(t, 1.3219249e-05F, 0.118114471F, 0.121785671F, 0.0884147063F,
                                              0.157673985F, -0.102565147F, 0.256156027F, -0.178816184F, 0.0392232835F);
  return detail::normal_from(x, bell, ratio);
}
/// As above, 2^-15 off.
inline NormalAt<Vec<float>> normal_at(Rough x) {
  const Vec<float> a = detail::magnitude_up_to_15(x);
  const Vec<float> bell = detail::bell(a, 0.9999992847F, 0.6931214333F, 0.2402459085F, 0.05592076108F, 0.009578946047F);
  const Vec<float> t = 4.0F / (a + 4.0F);
  const Vec<float> ratio = detail::polynomial(t, -0.0002133953822F, 0.1037788689F, 0.07006159425F, 0.2016148716F,
                                              -0.1242196336F, 0.2489910573F);
  return detail::normal_from(x, bell, ratio);
}
inline NormalAt<Vec<double>> normal_at(Vec<double> x) {
  const auto distribution = [](double v) { return 0.5 * std::erfc(v * -0.70710678118654752440); };
  return {detail::lane_by_lane(distribution, x), exp(x * x * -0.5) * 0.39894228040143267794};
}

}  // namespace LV_ISA
}  // namespace lv::simd
