#pragma once
// The instruction-set level for which this translation unit is compiled, and the compiler's vector types at its width.
// Everything in kernels/simd lives in an inline namespace named after the level, so that objects of several levels can
// meet in one program.

#include <cstdint>

#ifndef LV_ISA
#define LV_ISA base
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define LV_SIMD_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define LV_SIMD_AVX2 1
#endif

namespace lv::simd {
inline namespace LV_ISA {

#if defined(LV_SIMD_AVX512)
inline constexpr int kVectorBytes = 64;
#elif defined(LV_SIMD_AVX2)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

namespace native {

template <class T, int kBytes>
struct VectorOf {
  using type [[gnu::vector_size(kBytes)]] = T;
};
/// `kBytes` bytes of T in one compiler vector.
template <class T, int kBytes = kVectorBytes>
using Vector = typename VectorOf<T, kBytes>::type;

using F32 = Vector<float>;
using F64 = Vector<double>;
using I32 = Vector<int32_t>;
using I64 = Vector<int64_t>;
using U32 = Vector<uint32_t>;
/// As many 16-bit words as F32 has lanes.
using U16 = Vector<uint16_t, kVectorBytes / 2>;
/// As many floats as F64 has lanes.
using HalfF32 = Vector<float, kVectorBytes / 2>;

enum class Rounding { nearest_even, down, toward_zero };

}  // namespace native
}  // namespace LV_ISA
}  // namespace lv::simd
