#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/cpu/isa.h"
#include "kernels/dispatch.h"
#include "kernels/scalar.h"
#include "kernels/simd/vec.h"

// The arithmetic of matrix products. A product's depth is counted in units of 32 bits (64 for double): one float, or a
// pair of bfloat16 that one instruction multiplies with another pair, adding both products to a float sum. Kernels
// written for units run in both.

namespace lv::kernels::cpu::LV_ISA {

/// One element a unit: float for float and, widened while they are packed, 16-bit types; double for double.
template <class S>
struct PlainMath {
  using Unit = S;
  using Sum = S;
  using Units = simd::Vec<S>;
  using Sums = simd::Vec<S>;
  static constexpr int kDepth = 1;  // elements a unit
  static Sums multiply_add(Units a, Units b, Sums sum) { return fma(a, b, sum); }
  /// Writes the first `count` sums as elements of memory.
  template <class T>
  static void store(T* to, Sums sums, int64_t count) {
    if (count >= Sums::kLanes) {
      simd::store(to, sums);
    } else {
      simd::store(to, sums, std::max<int64_t>(count, 0));
    }
  }
};

#ifdef LV_ISA_v4
/// Pairs of bfloat16, for processors that has_bf16_dot() finds.
struct PairMath {
  using Unit = int32_t;
  using Sum = float;
  using Units = simd::Vec<int32_t>;
  using Sums = simd::Vec<float>;
  static constexpr int kDepth = 2;
  // As text: the level's compiler flags do not include the instructions.
  static Sums multiply_add(Units a, Units b, Sums sum) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.native) : "v"(a.native), "v"(b.native));
    return sum;
  }
  static void store(float* to, Sums sums, int64_t count) { PlainMath<float>::store(to, sums, count); }
  /// Rounds as simd::store does, in one instruction. It takes denormal numbers for zero, which multiply_add makes of
  /// them anyway.
  static void store(BFloat16* to, Sums sums, int64_t count) {
    simd::native::U16 words;
    asm("vcvtneps2bf16 %1, %0" : "=v"(words) : "v"(sums.native));
    if (count >= Sums::kLanes) {
      std::memcpy(static_cast<void*>(to), &words, sizeof(words));
    } else {
      simd::native::store_words_part(to, words, int(std::max<int64_t>(count, 0)));
    }
  }
};
#endif

/// Calls fn.operator()<T, Math>() for the element type `dtype` in memory and the arithmetic for it.
template <class Fn>
void visit_product_math(DType dtype, std::string_view op, Fn&& fn) {
#ifdef LV_ISA_v4
  if (dtype == DType::bf16 && has_bf16_dot()) {
    fn.template operator()<BFloat16, PairMath>();
    return;
  }
#endif
  visit_floating(dtype, op, [&]<class T>() { fn.template operator()<T, PlainMath<ComputeType<T>>>(); });
}

/// Units that `elements` along the depth take.
template <class M>
constexpr int64_t units_of(int64_t elements) {
  return (elements + M::kDepth - 1) / M::kDepth;
}

/// Whether arrays of T can be read as units where they are.
template <class M, class T>
inline constexpr bool kReadsInPlace = sizeof(T) * M::kDepth == sizeof(typename M::Unit);

/// Writes `elements` contiguous ones as units; zeros fill the last.
template <class M, class T>
void pack_units(const T* from, int64_t elements, typename M::Unit* to) {
  if constexpr (kReadsInPlace<M, T>) {
    if (elements % M::kDepth != 0) {
      to[units_of<M>(elements) - 1] = 0;
    }
    std::memcpy(to, from, size_t(elements) * sizeof(T));
  } else {
    for (int64_t i = 0; i < elements; ++i) {
      to[i] = widen(from[i]);
    }
  }
}

/// pack_units for `count` pixels, `step` elements apart, of `depth` elements each.
template <class M, class T>
void pack_pixels(const T* from, int64_t step, int64_t depth, int64_t count, typename M::Unit* to) {
  const int64_t units = units_of<M>(depth);
  if (M::kDepth == 2 && depth == 3) {  // colours: four elements at once, but for the last pixel
    constexpr uint64_t kThree = (uint64_t{1} << 48) - 1;
    for (; count > 1; --count, from += step, to += units) {
      uint64_t pixel;
      std::memcpy(&pixel, from, sizeof(pixel));
      pixel &= kThree;
      std::memcpy(to, &pixel, sizeof(pixel));
    }
  }
  for (; count > 0; --count, from += step, to += units) {
    pack_units<M>(from, depth, to);
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
