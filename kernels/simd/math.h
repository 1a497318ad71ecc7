#pragma once
// Elementary functions of vectors. Float versions are polynomials of our own, in straight-line code: their cost does
// not depend on the values. Each states a bound on its error in units in the last place (ulp), held over a sweep of
// every 17th float at the levels that have fused multiply-add; level base is up to 0.2 ulp worse. All are exact at zero
// (its sign included) and infinity, round into denormals, and pass NaN on. Double versions call the C library lane by
// lane.
//
// Coefficients are minimax for the weight that makes the error of the whole function relative (Remez exchange in 40
// digits), then rounded to float from the lowest order up, refitting the rest each time.

#include <cmath>

#include "kernels/simd/vec.h"

namespace lv::simd {
inline namespace LV_ISA {

namespace detail {

/// c0 + c1 x + c2 x^2 + ...
template <VecElement T>
Vec<T> polynomial(Vec<T> /*x*/, std::type_identity_t<T> c0) {
  return c0;
}
template <VecElement T, class... Rest>
Vec<T> polynomial(Vec<T> x, std::type_identity_t<T> c0, Rest... rest) {
  return fma(x, polynomial(x, rest...), Vec<T>(c0));
}

template <VecElement T, class Fn, class... Vs>
Vec<T> lane_by_lane(Fn fn, Vec<T> v, Vs... others) {
  for (int i = 0; i < Vec<T>::kLanes; ++i) {
    v.native[i] = fn(v[i], others[i]...);
  }
  return v;
}

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kLog2E = 1.442695041F;
// log(2) in two parts: the first has 9 bits, so that its product with an exponent is exact.
inline constexpr float kLn2High = 0.693359375F;
inline constexpr float kLn2Low = -2.121944400e-4F;

/// x = n log(2) + r with integral n and |r| <= 0.3467, for |x| below 2^21.
struct ExpArgument {
  Vec<float> n, r;
  Vec<int32_t> n_bits;  // n modulo 512, in the low bits

  explicit ExpArgument(Vec<float> x) {
    const Vec<float> to_integer = 0x1.8p23F;  // leaves no room for fraction bits: rounds to nearest even
    const Vec<float> shifted = fma(x, Vec<float>(kLog2E), to_integer);
    n_bits = bits_as<int32_t>(shifted);
    n = shifted - to_integer;
    r = fma(n, Vec<float>(-kLn2Low), fma(n, Vec<float>(-kLn2High), x));
  }
};

/// (exp(r) - 1 - r) / r^2 for |r| <= 0.3473; as part of exp(r), 2^-28.2 off.
inline Vec<float> exp_tail(Vec<float> r) {
  return polynomial(r, 0.4999999404F, 0.1666651517F, 0.04166808352F, 0.008369342424F, 0.001384018804F);
}

/// exp(r) - 1
inline Vec<float> expm1_reduced(Vec<float> r) { return fma(r * r, exp_tail(r), r); }

/// v * 2^n without a rounding of its own, for n in -126 .. 127; n_bits as in ExpArgument.
inline Vec<float> scale_within_range(Vec<float> v, Vec<int32_t> n_bits) {
  return v * bits_as<float>((n_bits << 23) + 0x3f800000);
}

/// exp(x) for x in [-87, 88].
inline Vec<float> exp_within_range(Vec<float> x) {
  const ExpArgument arg(x);
  return scale_within_range(expm1_reduced(arg.r) + 1.0F, arg.n_bits);
}

/// x = 2^k (1 + f) with f in [-0.293, 0.415), for positive finite x.
struct LogArgument {
  Vec<float> k, f;

  explicit LogArgument(Vec<float> x) {
    constexpr int32_t kRootHalf = 0x3f3504f3;
    const auto is_denormal = x < std::numeric_limits<float>::min();
    const Vec<int32_t> u = bits_as<int32_t>(select(is_denormal, x * 0x1p23F, x)) - kRootHalf;
    k = convert<float>(u >> 23) - select(is_denormal, Vec<float>(23.0F), 0.0F);
    f = bits_as<float>((u & 0x007fffff) + kRootHalf) - 1.0F;
  }
};

/// log(1 + f) + k log(2) + small, where |small| is far below the rest or the rest is zero.
inline Vec<float> log_from(LogArgument arg, Vec<float> small) {
  // (log(1+f) - f + f^2/2) / f^3; as part of log(1+f), 2^-27.3 off.
  const Vec<float> p = polynomial(arg.f, 0.3333333135F, -0.2500082254F, 0.2000125945F, -0.1662334204F, 0.1420107037F,
                                  -0.1315963417F, 0.127659142F, -0.07641196251F);
  const Vec<float> square = arg.f * arg.f;
  const Vec<float> tail = fma(square, fma(arg.f, p, Vec<float>(-0.5F)), fma(arg.k, Vec<float>(kLn2Low), small));
  return fma(arg.k, Vec<float>(kLn2High), arg.f + tail);
}

/// e^x, or e^limit beyond it.
inline Vec<float> exp_up_to(float limit, Vec<float> x) {
  // Below -104 the result is 0. NaN, as the second operand, passes.
  const ExpArgument arg(fast_max(-104.0F, fast_min(limit, x)));
  return Vec<float>(native::scale((expm1_reduced(arg.r) + 1.0F).native, arg.n.native));
}

}  // namespace detail

/// e^x. Below 1.02 ulp.
inline Vec<float> exp(Vec<float> x) { return detail::exp_up_to(89.0F, x); }  // e^89 is infinite
inline Vec<double> exp(Vec<double> x) {
  return detail::lane_by_lane([](double v) { return std::exp(v); }, x);
}

/// e^x - 1, accurate near 0. Below 1.5 ulp.
inline Vec<float> expm1(Vec<float> x) {
  const detail::ExpArgument arg(fast_max(-18.0F, fast_min(89.0F, x)));  // -18: the result is -1
  // 2^n p + 2^n - 1, halved on the way so that n = 128 does not overflow early.
  const Vec<float> half_scale = bits_as<float>((arg.n_bits << 23) + 0x3f000000);
  const Vec<float> half = fma(half_scale, detail::expm1_reduced(arg.r), half_scale - 0.5F);
  return copysign(half + half, x);
}
inline Vec<double> expm1(Vec<double> x) {
  return detail::lane_by_lane([](double v) { return std::expm1(v); }, x);
}

/// The natural logarithm; -inf at 0, NaN below. Below 0.9 ulp.
inline Vec<float> log(Vec<float> x) {
  const Vec<float> result = detail::log_from(detail::LogArgument(x), 0.0F);
  const Vec<float> outside = select(x == 0.0F, Vec<float>(-detail::kInfinity), detail::kNaN);
  return select(x > 0.0F, select(x < detail::kInfinity, result, x), outside);
}
inline Vec<double> log(Vec<double> x) {
  return detail::lane_by_lane([](double v) { return std::log(v); }, x);
}

/// log(1 + x), accurate near 0; -inf at -1, NaN below. Below 0.9 ulp.
inline Vec<float> log1p(Vec<float> x) {
  const Vec<float> u = x + 1.0F;
  const Vec<float> lost = x - (u - 1.0F);  // what rounding took from u
  const Vec<float> result = copysign(detail::log_from(detail::LogArgument(u), lost / u), x);
  const Vec<float> outside = select(x == -1.0F, Vec<float>(-detail::kInfinity), detail::kNaN);
  return select(x > -1.0F, select(x < detail::kInfinity, result, x), outside);
}
inline Vec<double> log1p(Vec<double> x) {
  return detail::lane_by_lane([](double v) { return std::log1p(v); }, x);
}

/// 1 / (1 + e^-x). Below 2.1 ulp.
inline Vec<float> sigmoid(Vec<float> x) {
  // As e^x / (e^x + 1), right down to the denormals; from 80 on it is 1.
  const Vec<float> e = detail::exp_up_to(80.0F, x);
  return e / (e + 1.0F);
}
inline Vec<double> sigmoid(Vec<double> x) {
  const Vec<double> e = exp(-abs(x));
  return select(x < 0.0, e, 1.0) / (e + 1.0);
}

/// The hyperbolic tangent. Below 1.4 ulp.
inline Vec<float> tanh(Vec<float> x) {
  const Vec<float> a = fast_min(10.0F, abs(x));  // 10: the result is 1
  // Below 0.6: (tanh(a) - a) / a^3 in a^2; as part of tanh, 2^-28.4 off.
  const Vec<float> square = a * a;
  const Vec<float> p =
      detail::polynomial(square, -0.3333329856F, 0.133319363F, -0.05378465727F, 0.02079818025F, -0.005897162016F);
  const Vec<float> small = fma(a * square, p, a);
  const Vec<float> large = 1.0F - 2.0F / (detail::exp_within_range(a + a) + 1.0F);
  return copysign(select(a < 0.6F, small, large), x);
}
inline Vec<double> tanh(Vec<double> x) {
  return detail::lane_by_lane([](double v) { return std::tanh(v); }, x);
}

/// The error function. Below 1.1 ulp.
inline Vec<float> erf(Vec<float> x) {
  const Vec<float> a = fast_min(4.0F, abs(x));  // 4: the result is 1
  // Below 1: erf(a) / a - 1 in a^2; as part of erf, 2^-29.3 off.
  const Vec<float> p = detail::polynomial(a * a, 0.1283791661F, -0.3761262596F, 0.1128357649F, -0.02685317956F,
                                          0.005186729133F, -0.0007993192994F, 7.789037772e-5F);
  const Vec<float> small = fma(a, p, a);
  // From 1 on: log(1 - erf(a)); as part of erf, 2^-29.8 off.
  const Vec<float> exponent = detail::polynomial(a, -0.0003328098683F, -1.127122045F, -0.6380942464F, -0.1031474546F,
                                                 0.02185610868F, -0.002951838309F, 0.0001867744577F);
  const Vec<float> large = 1.0F - detail::exp_within_range(exponent);
  return copysign(select(a < 1.0F, small, large), x);
}
inline Vec<double> erf(Vec<double> x) {
  return detail::lane_by_lane([](double v) { return std::erf(v); }, x);
}

}  // namespace LV_ISA
}  // namespace lv::simd
