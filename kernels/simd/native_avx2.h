#pragma once
// Included by kernels/simd/native.h alone.

#include <immintrin.h>

#include "kernels/simd/level.h"

namespace lv::simd {
inline namespace LV_ISA {
namespace native {

// The second operand where either is NaN.
inline F32 min(F32 a, F32 b) { return _mm256_min_ps(a, b); }
inline F64 min(F64 a, F64 b) { return _mm256_min_pd(a, b); }
inline F32 max(F32 a, F32 b) { return _mm256_max_ps(a, b); }
inline F64 max(F64 a, F64 b) { return _mm256_max_pd(a, b); }

inline F32 sqrt(F32 a) { return _mm256_sqrt_ps(a); }
inline F64 sqrt(F64 a) { return _mm256_sqrt_pd(a); }

inline F32 fma(F32 a, F32 b, F32 c) { return _mm256_fmadd_ps(a, b, c); }
inline F64 fma(F64 a, F64 b, F64 c) { return _mm256_fmadd_pd(a, b, c); }

template <Rounding kRounding>
inline constexpr int kRoundingBits = (kRounding == Rounding::nearest_even ? _MM_FROUND_TO_NEAREST_INT
                                      : kRounding == Rounding::down       ? _MM_FROUND_TO_NEG_INF
                                                                          : _MM_FROUND_TO_ZERO) |
                                     _MM_FROUND_NO_EXC;
template <Rounding kRounding>
F32 round(F32 a) {
  return _mm256_round_ps(a, kRoundingBits<kRounding>);
}
template <Rounding kRounding>
F64 round(F64 a) {
  return _mm256_round_pd(a, kRoundingBits<kRounding>);
}

inline __m256i first_words(int count) {
  const I32 lane = {0, 1, 2, 3, 4, 5, 6, 7};
  return __m256i(lane < count);
}
inline __m256i first_longs(int count) {
  const I64 lane = {0, 1, 2, 3};
  return __m256i(lane < int64_t(count));
}

inline F32 load_part(const float* p, int count) { return _mm256_maskload_ps(p, first_words(count)); }
inline F64 load_part(const double* p, int count) { return _mm256_maskload_pd(p, first_longs(count)); }
inline I32 load_part(const int32_t* p, int count) { return I32(_mm256_maskload_epi32(p, first_words(count))); }
inline I64 load_part(const int64_t* p, int count) {
  return I64(_mm256_maskload_epi64(reinterpret_cast<const long long*>(p), first_longs(count)));
}
inline void store_part(float* p, F32 v, int count) { _mm256_maskstore_ps(p, first_words(count), v); }
inline void store_part(double* p, F64 v, int count) { _mm256_maskstore_pd(p, first_longs(count), v); }
inline void store_part(int32_t* p, I32 v, int count) { _mm256_maskstore_epi32(p, first_words(count), __m256i(v)); }
inline void store_part(int64_t* p, I64 v, int count) {
  _mm256_maskstore_epi64(reinterpret_cast<long long*>(p), first_longs(count), __m256i(v));
}
inline U16 load_words_part(const void* p, int count) {
  U16 v{};
  __builtin_memcpy(&v, p, size_t(count) * 2);
  return v;
}
inline void store_words_part(void* p, U16 v, int count) { __builtin_memcpy(p, &v, size_t(count) * 2); }

inline F32 half_to_float(U16 v) { return _mm256_cvtph_ps(__m128i(v)); }
inline U16 float_to_half(F32 v) { return U16(_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)); }

inline U32 widen_words(U16 v) { return U32(_mm256_cvtepu16_epi32(__m128i(v))); }
/// The upper half of each lane.
inline U16 upper_words(U32 v) {
  v >>= 16;
  // The pack works within 128 bits: the words wanted are in quarters 0 and 2.
  const __m256i packed = _mm256_packus_epi32(__m256i(v), __m256i(v));
  return U16(_mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08)));
}
inline F64 to_double(HalfF32 v) { return _mm256_cvtps_pd(v); }
inline HalfF32 to_float(F64 v) { return _mm256_cvtpd_ps(v); }

/// Whether any bit is set; `mask` has lanes all set or all clear.
inline bool any(I32 mask) { return _mm256_movemask_epi8(__m256i(mask)) != 0; }

}  // namespace native
}  // namespace LV_ISA
}  // namespace lv::simd
