#pragma once
// What the compiler's vector types cannot say by themselves: one set of functions, one body a level. Kernels include
// kernels/simd/vec.h instead.

#include <utility>

#include "kernels/simd/level.h"

#if defined(LV_SIMD_AVX512)
#include "kernels/simd/native_avx512.h"
#elif defined(LV_SIMD_AVX2)
#include "kernels/simd/native_avx2.h"
#else
#include "kernels/simd/native_base.h"
#endif

namespace lv::simd {
inline namespace LV_ISA {
namespace native {

/// The first (kHalf = 0) or the last (1) half of the lanes.
template <int kHalf, class T, int kBytes>
Vector<T, kBytes / 2> half_of(Vector<T, kBytes> v) {
  constexpr int kLanes = kBytes / 2 / int(sizeof(T));
  return [v]<int... kLane>(std::integer_sequence<int, kLane...>) {
    return __builtin_shufflevector(v, v, (kHalf * kLanes + kLane)...);
  }(std::make_integer_sequence<int, kLanes>{});
}

inline F32 join(HalfF32 low, HalfF32 high) {
  return [low, high]<int... kLane>(std::integer_sequence<int, kLane...>) {
    return __builtin_shufflevector(low, high, kLane...);
  }(std::make_integer_sequence<int, kVectorBytes / int(sizeof(float))>{});
}

#if !defined(LV_SIMD_AVX512)
/// v * 2^n for integral n in -252 .. 254 and v around 1, with one rounding.
inline F32 scale(F32 v, F32 n) {
  // In two steps, since 2^n itself may not be representable; the first is exact.
  const I32 whole = __builtin_convertvector(n, I32);
  const I32 part = whole >> 1;
  return v * F32((part + 127) << 23) * F32((whole - part + 127) << 23);
}
#endif

}  // namespace native
}  // namespace LV_ISA
}  // namespace lv::simd
