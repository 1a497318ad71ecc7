#pragma once
// Kernels that are wrong, each in one way. The tests tell the lines of a kernel by their distance from its first one.

#include <source_location>

#include "kernels/simt/async_copy.cuh"
#include "kernels/simt/dialect.h"
#include "kernels/simt/reduce.cuh"

namespace lv::test {

// The threads of a block wait at two different barriers.
constexpr int kDivergentBarrierLine = std::source_location::current().line() + 4;
__global__ void divergent_barrier(float* out, const float* in) {
  const int t = int(threadIdx.x);
  if (t < 64) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[t] = in[t];
}

// Some threads leave before a barrier.
constexpr int kEarlyExitLine = std::source_location::current().line() + 6;
__global__ void early_exit(float* out, const float* in) {
  const int t = int(threadIdx.x);
  if (t >= 100) {
    return;
  }
  __syncthreads();
  out[t] = in[t];
}

// A shuffle whose mask names lanes that do not come.
constexpr int kShuffleInBranchLine = std::source_location::current().line() + 5;
__global__ void shuffle_in_branch(float* out, const float* in) {
  const int t = int(threadIdx.x);
  float value = in[t];
  if (t < 16) {
    value = __shfl_down_sync(~0U, value, 1);
  } else {
    __syncthreads();
  }
  out[t] = value;
}

// The lanes of one mask are at different warp operations.
constexpr int kDivergentWarpLine = std::source_location::current().line() + 5;
__global__ void divergent_warp_operation(unsigned* out) {
  const int t = int(threadIdx.x);
  unsigned votes = 0;
  if (t < 16) {
    votes = __ballot_sync(~0U, 1);
  } else {
    votes = __ballot_sync(~0U, 0);
  }
  out[t] = votes;
}

__global__ void shuffle_outside_mask(float* out, const float* in) {
  const int t = int(threadIdx.x);
  if (t < 16) {
    out[t] = __shfl_sync(0x0000ffffU, in[t], t + 16);
  }
}

__global__ void mask_without_caller(float* out, const float* in) {
  out[threadIdx.x] = __shfl_sync(1U, in[threadIdx.x], 0);
}

// 48 threads with a full mask: the second warp is half a one.
__global__ void mask_beyond_block(unsigned* out) { out[threadIdx.x] = __ballot_sync(~0U, 1); }

__global__ void exited_lane_in_mask(unsigned* out) {
  if (threadIdx.x != 7) {
    out[threadIdx.x] = __ballot_sync(~0U, 1);
  }
}

// An element is read that another warp may not have written yet.
constexpr int kMissingBarrierLine = std::source_location::current().line() + 4;
__global__ void missing_barrier(float* out, const float* in) {
  LV_SHARED(float, row, [128]);
  const int t = int(threadIdx.x);
  row[t] = in[t];
  out[t] = row[127 - t];
}

// Threads read their left neighbour's element; only the ends of warps are in danger beside their own warp.
constexpr int kReadAcrossLine = std::source_location::current().line() + 4;
__global__ void read_across(float* out, const float* in) {
  LV_SHARED(float, row, [64]);
  const int t = int(threadIdx.x);
  row[t] = in[t];
  __syncwarp();
  out[t] = row[t == 0 ? 0 : t - 1];
}

// An element is read that another lane may not have written yet.
__global__ void missing_warp_sync(float* out, const float* in) {
  LV_SHARED(float, row, [32]);
  const int t = int(threadIdx.x);
  row[t] = in[t];
  for (int half = 16; half > 0; half /= 2) {
    if (t < half) {
      row[t] += row[t + half];
    }
  }
  if (t == 0) {
    out[0] = row[0];
  }
}

// The second barrier of the loop is forgotten: a fast thread writes the next round's element while a slow one reads.
__global__ void loop_reuse(float* out, const float* in, int rounds) {
  LV_SHARED(float, row, [128]);
  const int t = int(threadIdx.x);
  float sum = 0.0F;
  for (int round = 0; round < rounds; ++round) {
    row[t] = in[round * 128 + t];
    __syncthreads();
    sum += row[127 - t];
  }
  out[t] = sum;
}

// Only 100 of 128 elements are written.
__global__ void uninitialised_shared(float* out, const float* in) {
  LV_SHARED(float, row, [128]);
  const int t = int(threadIdx.x);
  if (t < 100) {
    row[t] = in[t];
  }
  __syncthreads();
  out[t] = row[t];
}

__global__ void shared_out_of_bounds(float* out, const float* in) {
  LV_SHARED(float, row, [128]);
  const int t = int(threadIdx.x);
  float* element = row + t;
  element[t == 127 ? 1 : 0] = in[t];
  __syncthreads();
  out[t] = row[0];
}

__global__ void global_out_of_bounds(float* out, const float* in, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i <= n) {
    out[i] = in[i];
  }
}

// out: 128 floats; k = 7 is one too many for odd threads.
__global__ void local_out_of_bounds(float* out, const float* in, int k) {
  float a[8];
  for (int i = 0; i < 8; ++i) {
    a[i] = in[i];
  }
  float* last = a + k;
  last[threadIdx.x & 1U] = 3.0F;
  out[threadIdx.x] = a[threadIdx.x & 7U];
}

// Blocks add to one element without atomics.
__global__ void global_race(float* out, const float* in) {
  if (threadIdx.x == 0) {
    out[0] += in[blockIdx.x];
  }
}

// Blocks read what another block writes.
__global__ void global_read_race(float* out, const float* in) {
  if (threadIdx.x == 0) {
    out[blockIdx.x] = blockIdx.x == 0 ? in[0] : out[0];
  }
}

// The partial sum may become visible after the ticket.
__global__ void missing_fence(float* out, float* partial, unsigned* ticket, const float* in) {
  LV_SHARED(unsigned, turn);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = in[blockIdx.x];
    turn = atomicAdd(ticket, 1U);
  }
  __syncthreads();
  if (turn == gridDim.x - 1 && threadIdx.x == 0) {
    *out = partial[0] + partial[gridDim.x - 1];
  }
}

// A counter is read while other blocks count.
__global__ void plain_read_of_counter(int* counter, int* out) {
  if (threadIdx.x == 0) {
    atomicAdd(counter, 1);
    out[blockIdx.x] = *counter;
  }
}

// Elements of `row` are read before the copy that writes them has been waited for.
__global__ void missing_copy_wait(float* out, const float* in) {
  LV_SHARED(float, row, [32]);
  const int t = int(threadIdx.x);
  simt::async_copy<4>(&row[t], in + t);
  simt::async_copy_commit();
  __syncthreads();
  out[t] = row[t];
  simt::async_copy_wait<0>();
}

__global__ void copy_left_open(float* out, const float* in) {
  LV_SHARED(float, row, [32]);
  const int t = int(threadIdx.x);
  simt::async_copy<4>(&row[t], in + t);
  simt::async_copy_commit();
  out[t] = 0.0F;
}

// 64 KiB of static arrays.
__global__ void too_much_shared(float* out) {
  LV_SHARED(float, large, [16384]);
  large[threadIdx.x] = 1.0F;
  __syncthreads();
  out[threadIdx.x] = large[threadIdx.x];
}

}  // namespace lv::test
