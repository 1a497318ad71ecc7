#pragma once

#include "kernels/nonzero.cell.h"
#include "kernels/scalar.h"
#include "kernels/simt/reduce.cuh"

namespace lv::kernels::cuda {

// One block per chunk of `chunk` elements.
template <class T>
__global__ void count_nonzero_kernel(const T* x, int64_t n, int64_t chunk, int64_t* counts) {
  int count = 0;
  for (int64_t i = threadIdx.x; i < chunk; i += blockDim.x) {
    const int64_t at = blockIdx.x * chunk + i;
    count += at < n && convert<bool>(x[at]) ? 1 : 0;
  }
  count = simt::block_sum(count);
  if (threadIdx.x == 0) {
    counts[blockIdx.x] = count;
  }
}

// One block per chunk of `chunk` elements, a multiple of the block's threads. In each round thread t looks at one
// element; the place of a nonzero one is the number of those before it: in earlier rounds, in lower warps, in lower
// lanes.
template <class T>
__global__ void nonzero_positions_kernel(const T* x, int64_t n, int64_t chunk, const int64_t* starts,
                                         Coordinates coordinates, int64_t* positions) {
  LV_SHARED(int, in_warp, [32]);
  const int warp = int(threadIdx.x) / warpSize;
  const int lane = int(threadIdx.x) % warpSize;
  const int warps = int(blockDim.x) / warpSize;
  int64_t place = starts[blockIdx.x];
  for (int64_t i = threadIdx.x; i < chunk; i += blockDim.x) {
    const int64_t at = blockIdx.x * chunk + i;
    const bool is_nonzero = at < n && convert<bool>(x[at]);
    const unsigned votes = __ballot_sync(~0U, is_nonzero ? 1 : 0);
    if (lane == 0) {
      in_warp[warp] = __popc(votes);
    }
    __syncthreads();
    int64_t own = place + __popc(votes & ((1U << lane) - 1));
    for (int w = 0; w < warps; ++w) {
      own += w < warp ? in_warp[w] : 0;
      place += in_warp[w];
    }
    if (is_nonzero) {
      coordinates.write(at, positions + own * coordinates.rank);
    }
    __syncthreads();  // the next round writes the counts again
  }
}

}  // namespace lv::kernels::cuda
