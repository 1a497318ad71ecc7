#pragma once

#include "kernels/cpu/channel_norm.h"
#include "kernels/simd/math.h"

namespace lv::kernels::cpu::LV_ISA {

template <class A>
inline constexpr A kMinusInfinity = -std::numeric_limits<A>::infinity();

/// The largest element of each of kRows rows of n, and the sum of exp(x - largest) in each; visit(r, i, lanes, exp)
/// sees the exponentials. The rows are walked together, so that their reductions across lanes overlap; they are read
/// twice, the second time from the first-level cache.
template <int kRows, class T, class Visit>
void exp_sums(Rows<const T> x, int64_t row, int64_t n, Accumulator<T> (&top)[kRows], Accumulator<T> (&sum)[kRows],
              Visit&& visit) {
  using A = Accumulator<T>;
  using V = simd::Vec<A>;
  V high[kRows];
  V total[kRows];
  std::fill_n(high, kRows, V(kMinusInfinity<A>));
  std::fill_n(total, kRows, V(A(0)));
  simd::for_each_vec<T>(n, [&](int64_t i, auto lanes) {
    for (int r = 0; r < kRows; ++r) {
      simd::prefetch_after(x[row + r] + i);
      // A NaN may get lost here; it comes back in the sum.
      high[r] = fast_max(high[r], lanes.keep(lanes.load(x[row + r] + i), V(kMinusInfinity<A>)));
    }
  });
  for (int r = 0; r < kRows; ++r) {
    top[r] = simd::max(high[r]);
  }
  simd::for_each_vec<T>(n, [&](int64_t i, auto lanes) {
    for (int r = 0; r < kRows; ++r) {
      const V e = exp(lanes.load(x[row + r] + i) - top[r]);
      total[r] += lanes.keep(e, V(A(0)));
      visit(r, i, lanes, e);
    }
  });
  for (int r = 0; r < kRows; ++r) {
    sum[r] = simd::sum(total[r]);
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
