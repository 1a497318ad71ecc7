#pragma once
// CUDA's device functions that the C library lacks. The fast ones (__expf and its like) are exact here: their error on
// a device is what tolerances are for.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

// NOLINTBEGIN(readability-identifier-naming, bugprone-reserved-identifier): the names are CUDA's

inline float rsqrtf(float x) { return 1.0F / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }

// Plain names of the C library that its C++ header overloads in namespace std only.
using std::abs;
using std::exp;
using std::fabs;
using std::floor;
using std::fma;
using std::isfinite;
using std::isinf;
using std::isnan;
using std::log;
using std::sqrt;
using std::tanh;

inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __powf(float x, float y) { return std::pow(x, y); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __sinf(float x) { return std::sin(x); }
inline float __cosf(float x) { return std::cos(x); }
inline float __saturatef(float x) { return x > 0.0F ? (x < 1.0F ? x : 1.0F) : 0.0F; }  // NaN becomes 0

/// By value, unlike std::min and std::max, so that reading an argument is the kernel's own access. A NaN loses.
template <class T, class U>
auto min(T a, U b) {
  using Common = std::common_type_t<T, U>;
  if constexpr (std::is_floating_point_v<Common>) {
    return std::fmin(Common(a), Common(b));
  } else {
    return Common(b) < Common(a) ? Common(b) : Common(a);
  }
}
template <class T, class U>
auto max(T a, U b) {
  using Common = std::common_type_t<T, U>;
  if constexpr (std::is_floating_point_v<Common>) {
    return std::fmax(Common(a), Common(b));
  } else {
    return Common(a) < Common(b) ? Common(b) : Common(a);
  }
}

inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(unsigned(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
/// One plus the place of the lowest bit set, 0 for none.
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(unsigned(x)) + 1; }
inline int __ffsll(long long x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned long long>(x)) + 1; }
/// Bits in reverse order.
inline unsigned __brev(unsigned x) {
  x = (x >> 16) | (x << 16);
  x = ((x & 0xff00ff00U) >> 8) | ((x & 0x00ff00ffU) << 8);
  x = ((x & 0xf0f0f0f0U) >> 4) | ((x & 0x0f0f0f0fU) << 4);
  x = ((x & 0xccccccccU) >> 2) | ((x & 0x33333333U) << 2);
  return ((x & 0xaaaaaaaaU) >> 1) | ((x & 0x55555555U) << 1);
}
inline unsigned __umulhi(unsigned x, unsigned y) { return unsigned(uint64_t{x} * y >> 32); }

// NOLINTEND(readability-identifier-naming, bugprone-reserved-identifier)
