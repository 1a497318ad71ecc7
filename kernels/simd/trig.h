#pragma once
// Sine and cosine of vectors.

#include "kernels/simd/math.h"

namespace lv::simd {
inline namespace LV_ISA {

namespace detail {

/// Below, a quarter turn's high part times the number of turns is exact.
inline constexpr float kMostTrigArgument = 1e6F;

/// sin(x + quarter_turns pi / 2) for a float x within the limit, 2^-33 off relative to the result.
inline Vec<double> sine_of_float(Vec<double> x, int64_t quarter_turns) {
  // x = n pi / 2 + r; the high part of pi / 2 has 33 bits.
  const Vec<double> shifted = fma(x, Vec<double>(0.63661977236758134), 0x1.8p52);
  const Vec<double> n = shifted - 0x1.8p52;
  const Vec<double> r = fma(n, Vec<double>(-6.0771005065061922e-11), fma(n, Vec<double>(-1.5707963267341256), x));
  const Vec<double> square = r * r;
  // Minimax for |r| <= pi / 4.
  const Vec<double> sine = r * polynomial(square, 1.0, -0.16666666641616457, 0.008333329384717633,
                                          -0.0001983933445684846, 2.718307855399701e-06);
  const Vec<double> cosine =
      polynomial(square, 1.0, -0.4999999969434418, 0.04166662034241826, -0.0013886681186161681, 2.438352401967156e-05);
  const Vec<int64_t> quadrant = bits_as<int64_t>(shifted) + quarter_turns;
  const Vec<double> result = select((quadrant & Vec<int64_t>(1)) == 0, sine, cosine);
  return bits_as<double>(bits_as<int64_t>(result) ^ ((quadrant & Vec<int64_t>(2)) << 62));
}

template <class Fn>
Vec<float> sine_or(Fn exact, Vec<float> x, int64_t quarter_turns) {
  const Doubles wide = widen(x);
  const Vec<float> y = narrow({sine_of_float(wide.low, quarter_turns), sine_of_float(wide.high, quarter_turns)});
  if (!any(abs(x) > kMostTrigArgument)) [[likely]] {
    return y;
  }
  return lane_by_lane([exact](float v, float near) { return std::abs(v) > kMostTrigArgument ? exact(v) : near; }, x, y);
}

}  // namespace detail

/// The sine of an angle in radians. Below 0.6 ulp up to a million; larger ones by the C library.
inline Vec<float> sin(Vec<float> x) {
  return detail::sine_or([](float v) { return std::sin(v); }, x, 0);
}
inline Vec<double> sin(Vec<double> x) {
  return detail::lane_by_lane([](double v) { return std::sin(v); }, x);
}

/// The cosine, as sin.
inline Vec<float> cos(Vec<float> x) {
  return detail::sine_or([](float v) { return std::cos(v); }, x, 1);
}
inline Vec<double> cos(Vec<double> x) {
  return detail::lane_by_lane([](double v) { return std::cos(v); }, x);
}

}  // namespace LV_ISA
}  // namespace lv::simd
