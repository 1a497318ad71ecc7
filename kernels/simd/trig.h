#pragma once
// Sine and cosine of vectors.

#include "kernels/simd/math.h"

namespace lv::simd {
inline namespace LV_ISA {

namespace detail {

/// Above, too few bits are left to tell which half turn is the nearest.
inline constexpr float kMostTrigArgument = 1e5F;

/// sin(x + turn pi) for turn = 0 or 1/2 and x within the limit.
inline Vec<float> sine_within_range(Vec<float> x, float turn) {
  // x + turn pi = n pi + r with |r| <= pi / 2. What the first of three parts of pi leaves is exact by the fused
  // multiply-add.
  const Vec<float> to_integer = 0x1.8p23F;  // leaves no room for fraction bits: rounds to nearest even
  const Vec<float> shifted = fma(x, Vec<float>(0.318309873F), Vec<float>(turn)) + to_integer;
  const Vec<float> n = (shifted - to_integer) - turn;
  const Vec<float> rest = fma(n, Vec<float>(-0x1.4442dp-23F), fma(n, Vec<float>(-0x1.921fb4p+1F), x));
  const Vec<float> r = fma(n, Vec<float>(-0x1.846988p-47F), rest);
  // (sin(r) - r) / r^3 in r^2; as part of sin(r), 2^-27.2 off.
  const Vec<float> square = r * r;
  const Vec<float> p = polynomial(square, -0.1666665971F, 0.008333069272F, -0.0001980977686F, 2.606095677e-6F);
  const Vec<int32_t> sign = bits_as<int32_t>(r) ^ (bits_as<int32_t>(shifted) << 31);
  return copysign(fma(r * square, p, r), bits_as<float>(sign));
}

/// `near` with exact(x) in the lanes beyond the limit.
template <class Fn>
[[gnu::noinline, gnu::cold]] Vec<float> replace_beyond_range(Fn exact, Vec<float> x, Vec<float> near) {
  return lane_by_lane([exact](float v, float y) { return std::abs(v) > kMostTrigArgument ? exact(v) : y; }, x, near);
}

template <class Fn>
[[gnu::always_inline]] inline Vec<float> sine_or(Fn exact, Vec<float> x, float turn) {
  const Vec<float> y = sine_within_range(x, turn);
  if (any(abs(x) > kMostTrigArgument)) [[unlikely]] {
    return replace_beyond_range(exact, x, y);
  }
  return y;
}

}  // namespace detail

/// The sine of an angle in radians. Below 2.1 ulp up to 100,000; larger ones by the C library.
inline Vec<float> sin(Vec<float> x) {
  return detail::sine_or([](float v) { return std::sin(v); }, x, 0.0F);
}
inline Vec<double> sin(Vec<double> x) {
  return detail::lane_by_lane([](double v) { return std::sin(v); }, x);
}

/// The cosine, as sin.
inline Vec<float> cos(Vec<float> x) {
  return detail::sine_or([](float v) { return std::cos(v); }, x, 0.5F);
}
inline Vec<double> cos(Vec<double> x) {
  return detail::lane_by_lane([](double v) { return std::cos(v); }, x);
}

}  // namespace LV_ISA
}  // namespace lv::simd
