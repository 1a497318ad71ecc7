#pragma once
// Vectors of int32_t or int64_t whose elements are narrower in memory. (The compiler's own conversion between types of
// such different widths goes through scalar registers.)

#include <immintrin.h>

#include "kernels/simd/loop.h"

namespace lv::simd {
inline namespace LV_ISA {

namespace detail {

#if defined(LV_SIMD_AVX512)
inline native::I32 widen_bytes(const uint8_t* p, int32_t /*to*/) {
  return native::I32(_mm512_maskz_cvtepu8_epi32(native::kAllFloats, _mm_loadu_si128((const __m128i*)p)));
}
inline native::I64 widen_bytes(const uint8_t* p, int64_t /*to*/) {
  return native::I64(_mm512_maskz_cvtepu8_epi64(native::kAllDoubles, _mm_loadl_epi64((const __m128i*)p)));
}
inline void narrow_to_bytes(uint8_t* p, native::I32 v) {
  _mm_storeu_si128((__m128i*)p, _mm512_maskz_cvtepi32_epi8(native::kAllFloats, __m512i(v)));
}
inline void narrow_to_bytes(uint8_t* p, native::I64 v) {
  _mm_storel_epi64((__m128i*)p, _mm512_maskz_cvtepi64_epi8(native::kAllDoubles, __m512i(v)));
}
template <class I>
inline constexpr bool kHasByteConversion = true;
#elif defined(LV_SIMD_AVX2)
inline native::I32 widen_bytes(const uint8_t* p, int32_t /*to*/) {
  return native::I32(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)));
}
inline void narrow_to_bytes(uint8_t* p, native::I32 v) {
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(__m256i(v)), _mm256_extracti128_si256(__m256i(v), 1));
  _mm_storel_epi64((__m128i*)p, _mm_packus_epi16(words, words));
}
template <class I>
inline constexpr bool kHasByteConversion = sizeof(I) == 4;
#else
template <class I>
inline constexpr bool kHasByteConversion = false;
#endif

template <class I>
constexpr int64_t lane_count(WholeVector /*lanes*/) {
  return Vec<I>::kLanes;
}
template <class I>
int64_t lane_count(PartVector lanes) {
  return lanes.count;
}

}  // namespace detail

/// p[0], p[1], ... as lanes of I; zero in lanes past the end.
template <class I, class Small, class Lanes>
Vec<I> load_integers(Lanes lanes, const Small* p) {
  if constexpr (std::is_same_v<Small, I>) {
    return lanes.load(p);
  } else if constexpr (std::is_same_v<Small, uint8_t> && std::is_same_v<Lanes, WholeVector> &&
                       detail::kHasByteConversion<I>) {
    return Vec<I>(detail::widen_bytes(p, I(0)));
  } else {
    Vec<I> v(I(0));
    for (int64_t lane = 0; lane < detail::lane_count<I>(lanes); ++lane) {
      v.native[lane] = I(p[lane]);
    }
    return v;
  }
}

/// Writes the lanes, whose values fit, to p[0], p[1], ...
template <class I, class Small, class Lanes>
void store_integers(Lanes lanes, Small* p, Vec<I> v) {
  if constexpr (std::is_same_v<Small, I>) {
    lanes.store(p, v);
  } else if constexpr (std::is_same_v<Small, uint8_t> && std::is_same_v<Lanes, WholeVector> &&
                       detail::kHasByteConversion<I>) {
    detail::narrow_to_bytes(p, v.native);
  } else {
    for (int64_t lane = 0; lane < detail::lane_count<I>(lanes); ++lane) {
      p[lane] = Small(v.native[lane]);
    }
  }
}

}  // namespace LV_ISA
}  // namespace lv::simd
