#pragma once
// Reductions over a warp and over a block. The order of combination is fixed by lane and warp numbers, and every thread
// gets the same bits. All threads of the block must take part; blocks are whole warps.

#include "kernels/simt/dialect.h"

namespace lv::simt {

/// Number of the thread in its block, x running fastest.
LV_DEVICE int thread_rank() { return int(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)); }

/// `value` of the lane whose number differs in the bits of `lane_mask`, for any trivially copyable type of whole words.
template <class T>
LV_DEVICE T shuffle_xor(T value, int lane_mask) {
  if constexpr (std::is_arithmetic_v<T> && sizeof(T) >= 4) {
    return __shfl_xor_sync(~0U, value, lane_mask);
  } else {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 4 == 0, "shuffles move whole 32-bit words");
    unsigned words[sizeof(T) / 4];
    memcpy(words, &value, sizeof(T));
#pragma unroll
    for (unsigned& word : words) {
      word = __shfl_xor_sync(~0U, word, lane_mask);
    }
    memcpy(&value, words, sizeof(T));
    return value;
  }
}

/// Combines the values of a warp's lanes as a balanced tree over neighbours: combine(lower lanes, higher lanes).
template <class T, class Combine>
LV_DEVICE T warp_reduce(T value, Combine combine) {
  const int lane = thread_rank() % warpSize;
#pragma unroll
  for (int step = 1; step < warpSize; step *= 2) {
    const T other = shuffle_xor(value, step);
    value = (lane & step) != 0 ? combine(other, value) : combine(value, other);
  }
  return value;
}

/// Combines the values of a block's threads: lanes as warp_reduce does, then warps in ascending order.
template <class T, class Combine>
LV_DEVICE T block_reduce(T value, Combine combine) {
  LV_SHARED(T, of_warp, [32]);
  const int rank = thread_rank();
  const int warps = int(blockDim.x * blockDim.y * blockDim.z) / warpSize;
  value = warp_reduce(value, combine);
  if (warps == 1) {
    return value;
  }
  if (rank % warpSize == 0) {
    of_warp[rank / warpSize] = value;
  }
  __syncthreads();
  value = of_warp[0];
  for (int warp = 1; warp < warps; ++warp) {
    value = combine(value, of_warp[warp]);
  }
  __syncthreads();  // the next reduction writes the same array
  return value;
}

struct Plus {
  template <class T>
  LV_HOSTDEV T operator()(T a, T b) const {
    return a + b;
  }
};
/// A NaN wins, whichever side it is on.
struct Larger {
  template <class T>
  LV_HOSTDEV T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};

template <class T>
LV_DEVICE T warp_sum(T value) {
  return warp_reduce(value, Plus{});
}
template <class T>
LV_DEVICE T warp_max(T value) {
  return warp_reduce(value, Larger{});
}
template <class T>
LV_DEVICE T block_sum(T value) {
  return block_reduce(value, Plus{});
}
template <class T>
LV_DEVICE T block_max(T value) {
  return block_reduce(value, Larger{});
}

}  // namespace lv::simt
