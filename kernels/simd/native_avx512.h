#pragma once
// Included by kernels/simd/native.h alone.

#include <immintrin.h>

#include "kernels/simd/level.h"

namespace lv::simd {
inline namespace LV_ISA {
namespace native {

// The zero-masking forms, with every lane kept, are the plain instructions; the intrinsics named plainly start from an
// undefined register, which GCC 12 reports as a variable read before it is written.
inline constexpr __mmask16 kAllFloats = 0xffff;
inline constexpr __mmask8 kAllDoubles = 0xff;

// The second operand where either is NaN.
inline F32 min(F32 a, F32 b) { return _mm512_maskz_min_ps(kAllFloats, a, b); }
inline F64 min(F64 a, F64 b) { return _mm512_maskz_min_pd(kAllDoubles, a, b); }
inline F32 max(F32 a, F32 b) { return _mm512_maskz_max_ps(kAllFloats, a, b); }
inline F64 max(F64 a, F64 b) { return _mm512_maskz_max_pd(kAllDoubles, a, b); }

inline F32 sqrt(F32 a) { return _mm512_maskz_sqrt_ps(kAllFloats, a); }
inline F64 sqrt(F64 a) { return _mm512_maskz_sqrt_pd(kAllDoubles, a); }

inline F32 fma(F32 a, F32 b, F32 c) { return _mm512_fmadd_ps(a, b, c); }
inline F64 fma(F64 a, F64 b, F64 c) { return _mm512_fmadd_pd(a, b, c); }

template <Rounding kRounding>
inline constexpr int kRoundingBits = (kRounding == Rounding::nearest_even ? _MM_FROUND_TO_NEAREST_INT
                                      : kRounding == Rounding::down       ? _MM_FROUND_TO_NEG_INF
                                                                          : _MM_FROUND_TO_ZERO) |
                                     _MM_FROUND_NO_EXC;
template <Rounding kRounding>
F32 round(F32 a) {
  return _mm512_maskz_roundscale_ps(kAllFloats, a, kRoundingBits<kRounding>);
}
template <Rounding kRounding>
F64 round(F64 a) {
  return _mm512_maskz_roundscale_pd(kAllDoubles, a, kRoundingBits<kRounding>);
}

inline __mmask16 first(int count) { return __mmask16((1U << count) - 1U); }

template <class T>
Vector<T> load_part(const T* p, int count) {
  if constexpr (sizeof(T) == 4) {
    return Vector<T>(_mm512_maskz_loadu_epi32(first(count), p));
  } else {
    return Vector<T>(_mm512_maskz_loadu_epi64(__mmask8(first(count)), p));
  }
}
template <class T>
void store_part(T* p, Vector<T> v, int count) {
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_epi32(p, first(count), __m512i(v));
  } else {
    _mm512_mask_storeu_epi64(p, __mmask8(first(count)), __m512i(v));
  }
}
inline U16 load_words_part(const void* p, int count) { return U16(_mm256_maskz_loadu_epi16(first(count), p)); }
inline void store_words_part(void* p, U16 v, int count) { _mm256_mask_storeu_epi16(p, first(count), __m256i(v)); }

inline F32 half_to_float(U16 v) { return _mm512_maskz_cvtph_ps(kAllFloats, __m256i(v)); }
inline U16 float_to_half(F32 v) {
  return U16(_mm512_maskz_cvtps_ph(kAllFloats, v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/// v * 2^n for integral n, with one rounding.
inline F32 scale(F32 v, F32 n) { return _mm512_maskz_scalef_ps(kAllFloats, v, n); }

inline U32 widen_words(U16 v) { return U32(_mm512_maskz_cvtepu16_epi32(kAllFloats, __m256i(v))); }
/// The upper half of each lane. A shuffle, since the narrowing instruction is slow when it stores.
inline U16 upper_words(U32 v) {
  const auto words = Vector<uint16_t>(v);
  return __builtin_shufflevector(words, words, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
inline F64 to_double(HalfF32 v) { return _mm512_maskz_cvtps_pd(kAllDoubles, v); }
inline HalfF32 to_float(F64 v) { return _mm512_maskz_cvtpd_ps(kAllDoubles, v); }

/// Whether any bit is set; `mask` has lanes all set or all clear.
inline bool any(I32 mask) { return _mm512_test_epi32_mask(__m512i(mask), __m512i(mask)) != 0; }

}  // namespace native
}  // namespace LV_ISA
}  // namespace lv::simd
