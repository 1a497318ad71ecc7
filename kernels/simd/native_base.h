#pragma once
// Included by kernels/simd/native.h alone.

#include <emmintrin.h>

#include <cmath>

#include "core/half.h"
#include "kernels/simd/level.h"

namespace lv::simd {
inline namespace LV_ISA {
namespace native {

// The second operand where either is NaN.
inline F32 min(F32 a, F32 b) { return _mm_min_ps(a, b); }
inline F64 min(F64 a, F64 b) { return _mm_min_pd(a, b); }
inline F32 max(F32 a, F32 b) { return _mm_max_ps(a, b); }
inline F64 max(F64 a, F64 b) { return _mm_max_pd(a, b); }

inline F32 sqrt(F32 a) { return _mm_sqrt_ps(a); }
inline F64 sqrt(F64 a) { return _mm_sqrt_pd(a); }

// SSE2 has no fused form. In float a product is exact in double, so that a second rounding hardly ever shows; in double
// there are two.
inline F32 fma(F32 a, F32 b, F32 c) {
  for (size_t i = 0; i < sizeof(F32) / sizeof(float); ++i) {
    c[i] = float(double(a[i]) * double(b[i]) + double(c[i]));
  }
  return c;
}
inline F64 fma(F64 a, F64 b, F64 c) { return a * b + c; }

template <Rounding kRounding, class V>
V round(V a) {
  for (size_t i = 0; i < sizeof(V) / sizeof(a[0]); ++i) {
    if constexpr (kRounding == Rounding::nearest_even) {
      a[i] = std::nearbyint(a[i]);
    } else if constexpr (kRounding == Rounding::down) {
      a[i] = std::floor(a[i]);
    } else {
      a[i] = std::trunc(a[i]);
    }
  }
  return a;
}

template <class T>
Vector<T> load_part(const T* p, int count) {
  Vector<T> v{};
  __builtin_memcpy(&v, p, size_t(count) * sizeof(T));
  return v;
}
template <class T>
void store_part(T* p, Vector<T> v, int count) {
  __builtin_memcpy(p, &v, size_t(count) * sizeof(T));
}
inline U16 load_words_part(const void* p, int count) {
  U16 v{};
  __builtin_memcpy(&v, p, size_t(count) * 2);
  return v;
}
inline void store_words_part(void* p, U16 v, int count) { __builtin_memcpy(p, &v, size_t(count) * 2); }

inline F32 half_to_float(U16 v) {
  F32 result{};
  for (size_t i = 0; i < sizeof(F32) / sizeof(float); ++i) {
    Half half;
    half.bits = v[i];
    result[i] = float(half);
  }
  return result;
}
inline U16 float_to_half(F32 v) {
  U16 result{};
  for (size_t i = 0; i < sizeof(F32) / sizeof(float); ++i) {
    result[i] = Half(v[i]).bits;
  }
  return result;
}

inline U32 widen_words(U16 v) { return __builtin_convertvector(v, U32); }
/// The upper half of each lane.
inline U16 upper_words(U32 v) { return __builtin_convertvector(v >> 16, U16); }
inline F64 to_double(HalfF32 v) { return __builtin_convertvector(v, F64); }
inline HalfF32 to_float(F64 v) { return __builtin_convertvector(v, HalfF32); }

/// Whether any bit is set; `mask` has lanes all set or all clear.
inline bool any(I32 mask) { return _mm_movemask_epi8(__m128i(mask)) != 0; }

}  // namespace native
}  // namespace LV_ISA
}  // namespace lv::simd
