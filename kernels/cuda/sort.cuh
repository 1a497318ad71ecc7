#pragma once

#include "kernels/simt/dialect.h"
#include "kernels/sort.cell.h"

namespace lv::kernels::cuda {

// A pair of key and position differs from every other one: whatever the sorting network does, the result is that of a
// stable sort.
template <class Key>
struct SortPairs {
  Key* keys;
  uint32_t* positions;
};

template <class Key>
LV_DEVICE bool precedes(Key key_a, uint32_t position_a, Key key_b, uint32_t position_b) {
  return key_a < key_b || (key_a == key_b && position_a < position_b);
}

// Bitonic network: thread t compares the elements whose numbers differ in the bit `stride`.
template <class Key>
LV_DEVICE void sort_in_block(Key* keys, uint32_t* positions, int size) {
  for (int run = 2; run <= size; run *= 2) {
    for (int stride = run / 2; stride > 0; stride /= 2) {
      __syncthreads();
      for (int t = int(threadIdx.x); t < size / 2; t += int(blockDim.x)) {
        const int low = t / stride * 2 * stride + t % stride;
        const int high = low + stride;
        const bool is_ascending = (low & run) == 0;
        if (precedes(keys[high], positions[high], keys[low], positions[low]) == is_ascending) {
          const Key key = keys[low];
          const uint32_t position = positions[low];
          keys[low] = keys[high];
          positions[low] = positions[high];
          keys[high] = key;
          positions[high] = position;
        }
      }
    }
  }
  __syncthreads();
}

// One block per tile of `size` elements (a power of two) of a row, in shared memory. The result goes to `indices` (the
// first k) when a tile is a whole row, to `tiles` otherwise. Elements past the row's end sort behind all others.
template <class T>
__global__ void sort_tile_kernel(const T* x, int64_t n, int size, bool descending, int64_t* indices, int64_t k,
                                 SortPairs<SortKey<T>> tiles) {
  using Key = SortKey<T>;
  LV_DYN_SHARED(Key, keys);
  auto* const positions = reinterpret_cast<uint32_t*>(keys + size);
  const int64_t row = blockIdx.y;
  const int64_t first = int64_t(blockIdx.x) * size;
  for (int t = int(threadIdx.x); t < size; t += int(blockDim.x)) {
    const int64_t at = first + t;
    const bool exists = at < n;
    keys[t] = exists ? sort_key(x[row * n + at], descending) : ~Key(0);
    positions[t] = exists ? uint32_t(at) : ~uint32_t(0);
  }
  sort_in_block(keys, positions, size);
  for (int t = int(threadIdx.x); t < size && first + t < n; t += int(blockDim.x)) {
    if (indices == nullptr) {
      tiles.keys[row * n + first + t] = keys[t];
      tiles.positions[row * n + first + t] = positions[t];
    } else if (t < k) {
      indices[row * k + t] = positions[t];
    }
  }
}

// Merges neighbouring sorted runs of `run` elements: one thread per element, whose place is its own within its run plus
// the number of elements of the other run that precede it. The last pass writes only positions, to `indices`.
template <class Key>
__global__ void merge_runs_kernel(SortPairs<Key> from, SortPairs<Key> to, int64_t n, int64_t run, int64_t* indices,
                                  int64_t k) {
  const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < n) {
    const int64_t row = blockIdx.y;
    const Key* const keys = from.keys + row * n;
    const uint32_t* const positions = from.positions + row * n;
    const int64_t start = at / (2 * run) * (2 * run);
    const int64_t middle = start + run < n ? start + run : n;
    const int64_t end = middle + run < n ? middle + run : n;
    int64_t low = at < middle ? middle : start;
    int64_t high = at < middle ? end : middle;
    const int64_t own = at < middle ? at - start : at - middle;
    const int64_t others = low;
    while (low < high) {
      const int64_t probe = low + (high - low) / 2;
      if (precedes(keys[probe], positions[probe], keys[at], positions[at])) {
        low = probe + 1;
      } else {
        high = probe;
      }
    }
    const int64_t place = start + own + (low - others);
    if (indices == nullptr) {
      to.keys[row * n + place] = keys[at];
      to.positions[row * n + place] = positions[at];
    } else if (place < k) {
      indices[row * k + place] = positions[at];
    }
  }
}

}  // namespace lv::kernels::cuda
