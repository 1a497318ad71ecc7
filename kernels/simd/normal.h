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

/// Both at once, for the price of one exponential. The float distribution is within 5 ulp from -1 up; below, its
/// relative error grows with x^2 (25 ulp at -8), where 1 + erf(x) would cancel.
inline NormalAt<Vec<float>> normal_at(Vec<float> x) {
  const Vec<float> a = abs(x);
  // exp(-a^2 / 2) as a power of two, 2^n 2^f with n whole and |f| <= 1/2; 2^f is minimax, 2^-23.7 off.
  const Vec<float> exponent = fast_max(-150.0F, a * a * -0.72134752F);  // -150: the result is 0. NaN passes.
  const Vec<float> to_integer = 0x1.8p23F;                              // leaves no room for fraction bits
  const Vec<float> n = (exponent + to_integer) - to_integer;
  const Vec<float> power = detail::polynomial(exponent - n, 1.00000012F, 0.693146944F, 0.240221202F, 0.0555071309F,
                                              0.00967554096F, 0.00132764725F);
  const Vec<float> bell(native::scale(power.native, n.native));
  // The probability beyond a over exp(-a^2 / 2), in t = 1 / (1 + 19 a / 64): minimax for its relative error, 2^-24.5.
  const Vec<float> t = 1.0F / fma(a, Vec<float>(0.296875F), Vec<float>(1.0F));
  const Vec<float> ratio = detail::polynomial(t, 1.3219249e-05F, 0.118114471F, 0.121785671F, 0.0884147063F,
                                              0.157673985F, -0.102565147F, 0.256156027F, -0.178816184F, 0.0392232835F);
  const Vec<float> beyond = bell * ratio;
  return {select(x > 0.0F, 1.0F - beyond, beyond), bell * 0.398942280F};
}
inline NormalAt<Vec<double>> normal_at(Vec<double> x) {
  const auto distribution = [](double v) { return 0.5 * std::erfc(v * -0.70710678118654752440); };
  return {detail::lane_by_lane(distribution, x), exp(x * x * -0.5) * 0.39894228040143267794};
}

}  // namespace LV_ISA
}  // namespace lv::simd
