#pragma once
// Loops over contiguous arrays: whole vectors, then one partial vector for the tail. All of them are for one thread; a
// kernel calls them on the chunk that parallel_for gave it.

#include "kernels/simd/vec.h"

namespace lv::simd {
inline namespace LV_ISA {

/// Access to a whole vector: what the loops hand to their body everywhere but at the tail.
struct WholeVector {
  template <class T>
  static Vec<Lane<T>> load(const T* p) {
    return simd::load(p);
  }
  template <class T>
  static void store(T* p, Vec<Lane<T>> v) {
    simd::store(p, v);
  }
  /// `v` in the lanes that exist, `other` in the rest (here there are none).
  template <VecElement T>
  static Vec<T> keep(Vec<T> v, std::type_identity_t<Vec<T>> /*other*/) {
    return v;
  }
};

/// Access to the first `count` lanes. Loads fill the others with zero.
struct PartVector {
  int64_t count;

  template <class T>
  Vec<Lane<T>> load(const T* p) const {
    return simd::load(p, count);
  }
  template <class T>
  void store(T* p, Vec<Lane<T>> v) const {
    simd::store(p, v, count);
  }
  template <VecElement T>
  Vec<T> keep(Vec<T> v, std::type_identity_t<Vec<T>> other) const {
    return select(Vec<T>::MaskType::first(count), v, other);
  }
};

/// Calls `body(i, lanes)` for i = 0, kLanes, 2 kLanes, ... below n, where `lanes` (a WholeVector, at the tail a
/// PartVector) loads and stores at addresses p + i. T, an element type in memory, decides the number of lanes:
///
///   for_each_vec<T>(n, [&](int64_t i, auto lanes) {
///     const auto x = lanes.load(in + i);
///     lanes.store(out + i, x * scale);
///     lanes.store(squares + i, x * x);
///   });
template <class T, class Body>
void for_each_vec(int64_t n, Body body) {
  constexpr int64_t kLanes = Vec<Lane<T>>::kLanes;
  int64_t i = 0;
#pragma GCC unroll 4
  for (; i + kLanes <= n; i += kLanes) {
    body(i, WholeVector{});
  }
  if (i < n) {
    body(i, PartVector{n - i});
  }
}

/// out[i] = fn(in[i]...) for i in 0..n, computed in vectors whose lanes fn must not tell apart. The arrays may differ
/// in type if the types of computation are equally wide; each `in` is `out` itself or apart from it.
/// kIsExact: fn of values of the inputs' type gives values of the result's type, which spares rounding.
template <bool kIsExact = false, class Out, class Fn, class... In>
void map(int64_t n, Out* out, Fn fn, const In*... in) {
  static_assert(((sizeof(Lane<In>) == sizeof(Lane<Out>)) && ...), "vectors of different lengths");
  int64_t done = 0;
  if constexpr (std::is_same_v<Out, BFloat16> && (std::is_same_v<In, BFloat16> && ...)) {
    constexpr int64_t kStep = 2 * Vec<float>::kLanes;
#pragma GCC unroll 2
    for (; done + kStep <= n; done += kStep) {
      const auto apply = [&fn](auto... v) { return EvenOdd{fn(v.even...), fn(v.odd...)}; };
      const EvenOdd result = apply(load_even_odd(in + done)...);
      if constexpr (kIsExact) {
        store_even_odd_exact(out + done, result);
      } else {
        store_even_odd(out + done, result);
      }
    }
  }
  for_each_vec<Out>(n - done,
                    [=](int64_t i, auto lanes) { lanes.store(out + done + i, fn(lanes.load(in + done + i)...)); });
}

namespace detail {

/// Combines body(i, lanes) over all i into one vector. Vector number k goes to accumulator k mod 4, and these meet in
/// pairs: the order depends on n and the level, never on addresses. Lanes past the end count as `identity`.
template <class T, class Body, class Combine>
auto reduce(int64_t n, Body&& body, Combine combine, Lane<T> identity) {
  using V = Vec<Lane<T>>;
  constexpr int64_t kLanes = V::kLanes;
  V acc[4] = {identity, identity, identity, identity};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    acc[0] = combine(acc[0], body(i, WholeVector{}));
    acc[1] = combine(acc[1], body(i + kLanes, WholeVector{}));
    acc[2] = combine(acc[2], body(i + 2 * kLanes, WholeVector{}));
    acc[3] = combine(acc[3], body(i + 3 * kLanes, WholeVector{}));
  }
  int k = 0;
  for (; i + kLanes <= n; i += kLanes) {
    acc[k] = combine(acc[k], body(i, WholeVector{}));
    ++k;
  }
  if (i < n) {
    const PartVector lanes{n - i};
    acc[k] = combine(acc[k], lanes.keep(body(i, lanes), identity));
  }
  return combine(combine(acc[0], acc[1]), combine(acc[2], acc[3]));
}

}  // namespace detail

/// The sum of body(i, lanes) over the n elements that for_each_vec would visit; 0 if there are none. The order of
/// addition depends on n and the level alone. Values for lanes past the end are ignored:
///
///   float dot = reduce_sum<T>(n, [&](int64_t i, auto lanes) { return lanes.load(x + i) * lanes.load(y + i); });
template <class T, class Body>
Lane<T> reduce_sum(int64_t n, Body&& body) {
  using V = Vec<Lane<T>>;
  return sum(detail::reduce<T>(n, body, [](V a, V b) { return a + b; }, Lane<T>(0)));
}

/// The largest body(i, lanes), NaN if any is; the lowest value of the type (-inf if it has one) if there are none.
template <class T, class Body>
Lane<T> reduce_max(int64_t n, Body&& body) {
  using V = Vec<Lane<T>>;
  using Limits = std::numeric_limits<Lane<T>>;
  constexpr Lane<T> kLowest = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  return max(detail::reduce<T>(n, body, [](V a, V b) { return max(a, b); }, kLowest));
}

}  // namespace LV_ISA
}  // namespace lv::simd
