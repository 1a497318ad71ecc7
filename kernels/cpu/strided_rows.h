#pragma once

#include "core/parallel.h"
#include "kernels/strided.h"

namespace lv::kernels::cpu::LV_ISA {

/// Elements of a chunk: large enough to hide the hand-out of a chunk, small enough to balance two threads.
inline constexpr int64_t kElementGrain = 16384;

/// Moves on to the next innermost run: `position` counts along the outer axes, `at` follows it.
template <int N>
void next_run(const StridedLoop<N>& loop, int64_t (&position)[kMaxRank], int64_t (&at)[N]) {
  for (int axis = loop.rank - 2; axis >= 0; --axis) {
    const bool wraps = ++position[axis] == loop.sizes[axis];
    const int64_t moved = wraps ? 1 - loop.sizes[axis] : 1;
    for (int k = 0; k < N; ++k) {
      at[k] += moved * loop.strides[k][axis];
    }
    if (!wraps) {
      return;
    }
    position[axis] = 0;
  }
}

/// Calls fn(at, n) for every innermost run of the walk, in parallel: `at` holds the arrays' element offsets of the
/// run's first element, n its length; the arrays' steps inside a run are loop.step(k). An item of the walk may itself
/// stand for `item_size` elements.
template <int N, class Fn>
void for_each_run(const StridedLoop<N>& loop, Fn&& fn, int64_t item_size = 1) {
  if (loop.count == 0) {
    return;
  }
  const int64_t inner = loop.run();
  const int64_t runs = loop.count / inner;
  const int64_t items = std::max<int64_t>(1, kElementGrain / item_size);
  if (runs == 1) {
    parallel_for(inner, items, [&](int64_t begin, int64_t end) {
      int64_t at[N];
      for (int k = 0; k < N; ++k) {
        at[k] = begin * loop.step(k);
      }
      fn(at, end - begin);
    });
    return;
  }
  const int64_t grain = std::max<int64_t>(1, items / inner);
  parallel_for(runs, grain, [&](int64_t begin, int64_t end) {
    int64_t at[N];
    loop.offsets(begin * inner, at);
    int64_t position[kMaxRank] = {};
    int64_t rest = begin;
    for (int axis = loop.rank - 2; axis >= 0; --axis) {
      position[axis] = rest % loop.sizes[axis];
      rest /= loop.sizes[axis];
    }
    for (int64_t run = begin; run < end; ++run) {
      fn(at, inner);
      next_run(loop, position, at);
    }
  });
}

}  // namespace lv::kernels::cpu::LV_ISA
