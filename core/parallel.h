#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace lv {

/// Threads that parallel_for may use, the caller included. Default: LV_NUM_THREADS, else the CPUs this process may use.
int num_threads();

/// Changes the number of threads; waits for a running parallel_for. Throws Error for n < 1 and inside a parallel_for.
void set_num_threads(int n);

/// Number of chunks of `grain` elements that cover n elements.
constexpr int64_t chunk_count(int64_t n, int64_t grain) {
  return n <= 0 ? 0 : (n - 1) / std::max<int64_t>(grain, 1) + 1;
}

namespace detail {

/// A borrowed callable: task(i) runs chunk i.
struct ChunkTask {
  void* callable;
  void (*call)(void* callable, int64_t chunk);

  void operator()(int64_t chunk) const { call(callable, chunk); }
};

/// Runs the chunks [0, count) on the pool and the caller.
void run_chunks(int64_t count, ChunkTask task);

}  // namespace detail

/// Calls fn(begin, end) for every chunk [i * grain, min(n, (i + 1) * grain)) of [0, n), in any order, on the pool and
/// the caller. Chunk limits depend on n and grain only, never on the number of threads. A nested call runs inline. When
/// chunks throw, the exception of the lowest one is rethrown here; chunks above it may not have run.
template <class Fn>
void parallel_for(int64_t n, int64_t grain, Fn&& fn) {
  grain = std::max<int64_t>(grain, 1);
  if (n <= grain) {
    if (n > 0) {
      fn(int64_t{0}, n);
    }
    return;
  }
  auto run = [&](int64_t chunk) {
    const int64_t begin = chunk * grain;
    fn(begin, begin + std::min(grain, n - begin));
  };
  using Run = decltype(run);
  detail::run_chunks(chunk_count(n, grain),
                     {&run, [](void* callable, int64_t chunk) { (*static_cast<Run*>(callable))(chunk); }});
}

/// Combines partial(begin, end) of the chunks of [0, n) from left to right, so that the bits of the result do not
/// depend on the number of threads; `identity` is the result for n = 0.
template <class T, class Partial, class Combine>
[[nodiscard]] T parallel_reduce(int64_t n, int64_t grain, const T& identity, Partial&& partial, Combine&& combine) {
  grain = std::max<int64_t>(grain, 1);
  if (n <= grain) {
    return n > 0 ? T(partial(int64_t{0}, n)) : identity;
  }
  struct Slot {  // keeps std::vector<bool> out
    T value;
  };
  std::vector<Slot> partials(size_t(chunk_count(n, grain)), Slot{identity});
  parallel_for(n, grain,
               [&](int64_t begin, int64_t end) { partials[size_t(begin / grain)].value = partial(begin, end); });
  T total = std::move(partials[0].value);
  for (size_t i = 1; i < partials.size(); ++i) {
    total = combine(std::move(total), std::move(partials[i].value));
  }
  return total;
}

}  // namespace lv
