#pragma once

#include "core/parallel.h"
#include "kernels/strided.h"

namespace lv::kernels::cpu::LV_ISA {

/// Elements of a chunk: large enough to hide the hand-out of a chunk, small enough to balance two threads.
inline constexpr int64_t kElementGrain = 16384;

/// Calls fn(at, n) for every innermost run of the walk, in parallel: `at` holds the arrays' element offsets of the
/// run's first element, n its length; the arrays' steps inside a run are loop.strides[k][loop.rank - 1].
template <int N, class Fn>
void for_each_run(const StridedLoop<N>& loop, Fn&& fn) {
  if (loop.count == 0) {
    return;
  }
  const int64_t inner = loop.rank > 0 ? loop.sizes[loop.rank - 1] : 1;
  const int64_t runs = loop.count / inner;
  if (runs == 1) {
    parallel_for(inner, kElementGrain, [&](int64_t begin, int64_t end) {
      int64_t at[N];
      for (int k = 0; k < N; ++k) {
        at[k] = loop.rank > 0 ? begin * loop.strides[k][0] : 0;
      }
      fn(at, end - begin);
    });
    return;
  }
  const int64_t grain = std::max<int64_t>(1, kElementGrain / inner);
  parallel_for(runs, grain, [&](int64_t begin, int64_t end) {
    int64_t at[N];
    for (int64_t run = begin; run < end; ++run) {
      loop.offsets(run * inner, at);
      fn(at, inner);
    }
  });
}

}  // namespace lv::kernels::cpu::LV_ISA
