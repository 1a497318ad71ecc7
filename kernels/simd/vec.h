#pragma once
// Vec<T>: one machine vector of float, double, int32_t or int64_t, as wide as the level allows (16, 32 or 64 bytes).
// Kernels are written once against it, whatever the element type in memory and the level:
//
//   using V = simd::Vec<simd::Lane<T>>;                          // T: float, double, Half or BFloat16
//   V x = simd::load(p + i), y = select(x > 0.0F, x, x * slope);
//   simd::store(out + i, y);
//
// Scalars convert to Vec by themselves; functions of vectors are found by argument-dependent lookup, so a functor
// written for float works on Vec<float> too. kernels/simd/math.h adds exp, log and their kin, kernels/simd/loop.h the
// loops.

#include <concepts>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/dtype.h"
#include "kernels/simd/pack.h"

namespace lv::simd {
inline namespace LV_ISA {

template <class T>
concept VecElement =
    std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, int32_t> || std::same_as<T, int64_t>;

/// The vector element in which memory of type T is computed: float for 16-bit types, T itself otherwise.
template <class T>
using Lane = std::conditional_t<std::is_integral_v<T>, T, Accumulator<T>>;

/// The integer as wide as T; also names the masks over vectors of T.
template <class T>
using IntOf = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;

/// A truth value for each lane of a vector of I (int32_t or int64_t) or of the floating type as wide.
template <class I>
struct Mask {
  using Native = native::Vector<I>;
  static constexpr int kLanes = kVectorBytes / int(sizeof(I));

  Native native;  // all bits of a lane set, or none

  /// The mask whose first `count` lanes are true.
  static Mask first(int64_t count) {
    return [count]<int... kLane>(std::integer_sequence<int, kLane...>) {
      return Mask{Native{kLane...} < I(count)};
    }(std::make_integer_sequence<int, kLanes>{});
  }

  bool operator[](int lane) const { return native[lane] != 0; }
  friend Mask operator&(Mask a, Mask b) { return {a.native & b.native}; }
  friend Mask operator|(Mask a, Mask b) { return {a.native | b.native}; }
  friend Mask operator^(Mask a, Mask b) { return {a.native ^ b.native}; }
  friend Mask operator!(Mask a) { return {~a.native}; }
};

template <VecElement T>
struct Vec {
  using Element = T;
  using Native = native::Vector<T>;
  using MaskType = Mask<IntOf<T>>;
  static constexpr int kLanes = kVectorBytes / int(sizeof(T));
  static constexpr bool kIsFloating = std::is_floating_point_v<T>;

  Native native;

  Vec() = default;
  // All lanes; implicit, so that scalars mix with vectors. Less zero, which changes no value: plus would lose -0.
  Vec(T value) : native(value - Native{}) {}
  explicit Vec(Native value) : native(value) {}

  T operator[](int lane) const { return native[lane]; }

  // Integers wrap around.
  friend Vec operator+(Vec a, Vec b) { return Vec(Native(Wrapping(a.native) + Wrapping(b.native))); }
  friend Vec operator-(Vec a, Vec b) { return Vec(Native(Wrapping(a.native) - Wrapping(b.native))); }
  friend Vec operator*(Vec a, Vec b) { return Vec(Native(Wrapping(a.native) * Wrapping(b.native))); }
  friend Vec operator/(Vec a, Vec b) { return Vec(a.native / b.native); }
  friend Vec operator-(Vec a) { return Vec(Native(-Wrapping(a.native))); }
  Vec& operator+=(Vec b) { return *this = *this + b; }
  Vec& operator-=(Vec b) { return *this = *this - b; }
  Vec& operator*=(Vec b) { return *this = *this * b; }
  Vec& operator/=(Vec b) { return *this = *this / b; }

  // Integers only; >> keeps the sign.
  friend Vec operator&(Vec a, Vec b) { return Vec(a.native & b.native); }
  friend Vec operator|(Vec a, Vec b) { return Vec(a.native | b.native); }
  friend Vec operator^(Vec a, Vec b) { return Vec(a.native ^ b.native); }
  friend Vec operator~(Vec a) { return Vec(~a.native); }
  friend Vec operator<<(Vec a, int bits) { return Vec(a.native << bits); }
  friend Vec operator>>(Vec a, int bits) { return Vec(a.native >> bits); }

  // As for scalars: a comparison with NaN is false, except !=.
  friend MaskType operator<(Vec a, Vec b) { return {a.native < b.native}; }
  friend MaskType operator<=(Vec a, Vec b) { return {a.native <= b.native}; }
  friend MaskType operator>(Vec a, Vec b) { return {a.native > b.native}; }
  friend MaskType operator>=(Vec a, Vec b) { return {a.native >= b.native}; }
  friend MaskType operator==(Vec a, Vec b) { return {a.native == b.native}; }
  friend MaskType operator!=(Vec a, Vec b) { return {a.native != b.native}; }

  /// `a` where the mask is true, `b` elsewhere.
  friend Vec select(MaskType mask, Vec a, Vec b) { return Vec(mask.native ? a.native : b.native); }

  /// The smaller lane; `b` where either is NaN. One instruction.
  friend Vec fast_min(Vec a, Vec b) {
    if constexpr (kIsFloating) {
      return Vec(native::min(a.native, b.native));
    } else {
      return select(a < b, a, b);
    }
  }
  /// The larger lane; `b` where either is NaN. One instruction.
  friend Vec fast_max(Vec a, Vec b) {
    if constexpr (kIsFloating) {
      return Vec(native::max(a.native, b.native));
    } else {
      return select(a > b, a, b);
    }
  }
  /// The smaller lane; NaN where either is NaN.
  friend Vec min(Vec a, Vec b) { return kIsFloating ? select(a == a, fast_min(a, b), a) : fast_min(a, b); }
  /// The larger lane; NaN where either is NaN.
  friend Vec max(Vec a, Vec b) { return kIsFloating ? select(a == a, fast_max(a, b), a) : fast_max(a, b); }

  friend Vec abs(Vec a) {
    if constexpr (kIsFloating) {
      return Vec(Native(IntNative(a.native) & ~sign_bits()));
    } else {
      return select(a < Vec(T(0)), -a, a);
    }
  }

  // Floating types only, from here on.

  /// The magnitude of `a` with the sign of `b`.
  friend Vec copysign(Vec a, Vec b) {
    return Vec(Native((IntNative(a.native) & ~sign_bits()) | (IntNative(b.native) & sign_bits())));
  }
  friend MaskType isnan(Vec a) { return a != a; }
  friend Vec sqrt(Vec a) { return Vec(native::sqrt(a.native)); }
  /// 1 / sqrt(a) by a division and a root: two roundings, below 1 ulp.
  friend Vec rsqrt(Vec a) { return Vec(T(1)) / sqrt(a); }
  /// a * b + c with one rounding (two in double at level base, which has no such instruction).
  friend Vec fma(Vec a, Vec b, Vec c) { return Vec(native::fma(a.native, b.native, c.native)); }
  friend Vec floor(Vec a) { return Vec(native::round<native::Rounding::down>(a.native)); }
  friend Vec trunc(Vec a) { return Vec(native::round<native::Rounding::toward_zero>(a.native)); }
  /// To the nearest integer, ties to even.
  friend Vec round_even(Vec a) { return Vec(native::round<native::Rounding::nearest_even>(a.native)); }

 private:
  using IntNative = native::Vector<IntOf<T>>;
  using Wrapping = std::conditional_t<kIsFloating, Native, native::Vector<std::make_unsigned_t<IntOf<T>>>>;
  static IntNative sign_bits() { return IntNative{} + std::numeric_limits<IntOf<T>>::min(); }
};

/// Floats on the way to a 16-bit type in memory: functions may have a cheaper version for them.
struct Rough : Vec<float> {
  Rough() = default;
  Rough(float value) : Vec(value) {}
  Rough(Vec value) : Vec(value) {}
};

/// The vector in which functions of elements of T are computed.
template <class T>
using FunctionVec = std::conditional_t<sizeof(T) == 2, Rough, Vec<Lane<T>>>;

/// The bits of `v` as lanes of another type of the same width.
template <VecElement To, VecElement From>
  requires(sizeof(To) == sizeof(From))
Vec<To> bits_as(Vec<From> v) {
  return Vec<To>(native::Vector<To>(v.native));
}

/// The values of `v` in another type of the same width: integers round to nearest, floating values are cut toward zero
/// and must fit.
template <VecElement To, VecElement From>
  requires(sizeof(To) == sizeof(From))
Vec<To> convert(Vec<From> v) {
  return Vec<To>(__builtin_convertvector(v.native, native::Vector<To>));
}

/// The values of a float vector in double, lanes in order.
struct Doubles {
  Vec<double> low, high;
};
inline Doubles widen(Vec<float> v) {
  return {Vec<double>(native::to_double(native::half_of<0, float, kVectorBytes>(v.native))),
          Vec<double>(native::to_double(native::half_of<1, float, kVectorBytes>(v.native)))};
}
/// The inverse of widen, rounding each lane to nearest even.
inline Vec<float> narrow(Doubles v) {
  return Vec<float>(native::join(native::to_float(v.low.native), native::to_float(v.high.native)));
}

// Memory. Addresses need the alignment of T only. `count` is in 0..kLanes; nothing past p[count - 1] is touched.

/// p[0 .. kLanes) in the type of computation.
template <class T>
Vec<Lane<T>> load(const T* p) {
  if constexpr (sizeof(T) == sizeof(Lane<T>)) {
    Vec<T> v;
    __builtin_memcpy(&v.native, p, sizeof v);
    return v;
  } else {
    native::U16 words;
    __builtin_memcpy(&words, p, sizeof words);
    return Vec<float>(native::unpack<T>(words));
  }
}

/// p[0 .. count), zero in the other lanes.
template <class T>
Vec<Lane<T>> load(const T* p, int64_t count) {
  if constexpr (sizeof(T) == sizeof(Lane<T>)) {
    return Vec<T>(native::load_part(p, int(count)));
  } else {
    return Vec<float>(native::unpack<T>(native::load_words_part(p, int(count))));
  }
}

/// Writes p[0 .. kLanes). 16-bit types are rounded to nearest even, to the very bits of the scalar conversions.
template <class T>
void store(T* p, Vec<Lane<T>> v) {
  if constexpr (sizeof(T) == sizeof(Lane<T>)) {
    __builtin_memcpy(p, &v.native, sizeof v);
  } else {
    const native::U16 words = native::pack<T>(v.native);
    __builtin_memcpy(static_cast<void*>(p), &words, sizeof words);
  }
}

/// As the other store, for p[0 .. count).
template <class T>
void store(T* p, Vec<Lane<T>> v, int64_t count) {
  if constexpr (sizeof(T) == sizeof(Lane<T>)) {
    native::store_part(p, v.native, int(count));
  } else {
    native::store_words_part(p, native::pack<T>(v.native), int(count));
  }
}

/// Neighbours in memory, 2 kLanes of them, as two vectors: those at even places and those at odd ones.
struct EvenOdd {
  Vec<float> even, odd;
};

/// p[0 .. 2 kLanes). Splitting words by place takes half the instructions of keeping them in order.
inline EvenOdd load_even_odd(const BFloat16* p) {
  native::U32 words;
  __builtin_memcpy(&words, p, sizeof words);
  return {Vec<float>(native::F32(words << 16)), Vec<float>(native::F32(words & 0xffff0000U))};
}

/// Writes p[0 .. 2 kLanes), rounded as by store().
inline void store_even_odd(BFloat16* p, EvenOdd v) {
  const native::U32 words =
      (native::round_to_upper_half(v.even.native) >> 16) | (native::round_to_upper_half(v.odd.native) & 0xffff0000U);
  __builtin_memcpy(static_cast<void*>(p), &words, sizeof words);
}

/// As store_even_odd for values that bfloat16 represents: without rounding.
inline void store_even_odd_exact(BFloat16* p, EvenOdd v) {
  const native::U32 words = (native::U32(v.even.native) >> 16) | (native::U32(v.odd.native) & 0xffff0000U);
  __builtin_memcpy(static_cast<void*>(p), &words, sizeof words);
}

// Across the lanes.

namespace detail {

/// Lane i meets lane i + half, then the halves of the result, down to one: an order that depends on the width alone.
template <class T, int kBytes, class Op>
T fold_halves(native::Vector<T, kBytes> v, Op op) {
  if constexpr (kBytes == 2 * sizeof(T)) {
    return op(v[0], v[1]);
  } else {
    return fold_halves<T, kBytes / 2>(op(native::half_of<0, T, kBytes>(v), native::half_of<1, T, kBytes>(v)), op);
  }
}

}  // namespace detail

/// The sum of the lanes, in a fixed order.
template <VecElement T>
T sum(Vec<T> v) {
  return detail::fold_halves<T, kVectorBytes>(v.native, [](auto a, auto b) { return a + b; });
}

/// The largest lane; NaN where any is NaN.
template <VecElement T>
T max(Vec<T> v) {
  return detail::fold_halves<T, kVectorBytes>(v.native, [](auto a, auto b) { return a != a ? a : (a > b ? a : b); });
}

/// The smallest lane; NaN where any is NaN.
template <VecElement T>
T min(Vec<T> v) {
  return detail::fold_halves<T, kVectorBytes>(v.native, [](auto a, auto b) { return a != a ? a : (a < b ? a : b); });
}

template <class I>
bool any(Mask<I> mask) {
  return native::any(native::I32(mask.native));
}
template <class I>
bool all(Mask<I> mask) {
  return !any(!mask);
}

}  // namespace LV_ISA
}  // namespace lv::simd
