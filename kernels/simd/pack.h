#pragma once
// Between float lanes and the 16-bit types of memory. Kernels include kernels/simd/vec.h instead.

#include <type_traits>

#include "core/half.h"
#include "kernels/simd/native.h"

namespace lv::simd {
inline namespace LV_ISA {
namespace native {

/// The lanes of `words`, read as T (Half or BFloat16), in float. A signalling NaN may come out quiet.
template <class T>
F32 unpack(U16 words) {
  if constexpr (std::is_same_v<T, Half>) {
    return half_to_float(words);
  } else {
    static_assert(std::is_same_v<T, BFloat16>, "no such type of memory");
    return F32(widen_words(words) << 16);
  }
}

/// The bits of BFloat16(float), rounded to nearest even, in the upper half of each lane.
inline U32 round_to_upper_half(F32 v) {
  const U32 bits = U32(v);
  const U32 rounded = bits + (0x7fffU + ((bits >> 16) & 1U));
  return v == v ? rounded : bits | 0x400000U;
}

/// Rounds to nearest even, to the bits of T(float).
template <class T>
U16 pack(F32 v) {
  if constexpr (std::is_same_v<T, Half>) {
    // The instruction would keep a NaN's payload; the scalar conversion does not.
    return float_to_half(v == v ? v : F32((U32(v) & 0x80000000U) | 0x7fc00000U));
  } else {
    static_assert(std::is_same_v<T, BFloat16>, "no such type of memory");
    return upper_words(round_to_upper_half(v));
  }
}

}  // namespace native
}  // namespace LV_ISA
}  // namespace lv::simd
