#pragma once
// Kernels that are right, compiled by nvcc and by the emulator. Between them they use everything the dialect offers.

#include "kernels/simt/async_copy.cuh"
#include "kernels/simt/dialect.h"
#include "kernels/simt/mma.cuh"
#include "kernels/simt/reduce.cuh"

namespace lv::test {

// One thread an element.
template <class T>
__global__ void add(T* out, const T* a, const T* b, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) {
    out[i] = a[i] + b[i];
  }
}

// out: one sum of kThreads neighbours a block; a tree in shared memory.
template <int kThreads>
__global__ void tree_sum(float* out, const float* in, int n) {
  LV_SHARED(float, part, [kThreads]);
  const int t = int(threadIdx.x);
  const int i = int(blockIdx.x) * kThreads + t;
  part[t] = i < n ? in[i] : 0.0F;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (t < half) {
      part[t] += part[t + half];
    }
    __syncthreads();
  }
  if (t == 0) {
    out[blockIdx.x] = part[0];
  }
}

// One block a row of `columns`, which need not be a multiple of the block.
__global__ void layer_norm(float* out, const float* in, int columns, float epsilon) {
  const float* row = in + int64_t(blockIdx.x) * columns;
  float* out_row = out + int64_t(blockIdx.x) * columns;
  float sum = 0.0F;
  for (int i = int(threadIdx.x); i < columns; i += int(blockDim.x)) {
    sum += __ldg(row + i);
  }
  const float mean = simt::block_sum(sum) / float(columns);
  float squares = 0.0F;
  for (int i = int(threadIdx.x); i < columns; i += int(blockDim.x)) {
    squares = fmaf(row[i] - mean, row[i] - mean, squares);
  }
  const float scale = rsqrtf(simt::block_sum(squares) / float(columns) + epsilon);
  for (int i = int(threadIdx.x); i < columns; i += int(blockDim.x)) {
    out_row[i] = (row[i] - mean) * scale;
  }
}

// Dynamic shared memory: blockDim.x floats.
__global__ void reverse(float* out, const float* in) {
  LV_DYN_SHARED(float, row);
  const int t = int(threadIdx.x);
  row[t] = in[t];
  __syncthreads();
  out[t] = row[int(blockDim.x) - 1 - t];
}

// Each warp: bits of the positive elements; any; all; and its lane 3, read by shuffles of three kinds.
__global__ void warp_operations(unsigned* positive, int* any_all, float* shuffled, const float* in) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  const float value = in[i];
  positive[i] = __ballot_sync(~0U, value > 0.0F);
  any_all[i] = __any_sync(~0U, value > 0.9F) + 2 * __all_sync(~0U, value > -0.9F);
  shuffled[4 * i] = __shfl_sync(~0U, value, 3);
  shuffled[4 * i + 1] = __shfl_up_sync(~0U, value, 2);
  shuffled[4 * i + 2] = __shfl_down_sync(~0U, value, 1, 8);
  shuffled[4 * i + 3] = __shfl_xor_sync(~0U, value, 5);
}

// The halves of each warp take different branches and meet among themselves.
__global__ void half_warps(float* out, const float* in) {
  const int t = int(threadIdx.x);
  float value = in[t];
  if (t % 32 < 16) {
    value += __shfl_xor_sync(0x0000ffffU, value, 8);
  } else {
    value -= __shfl_xor_sync(0xffff0000U, value, 4);
    __syncwarp(0xffff0000U);
  }
  __syncwarp();
  out[t] = value;
}

// Integer atomics over all blocks; counts: {number of threads, largest, smallest, times slot 3 was won, exchange sum}.
__global__ void count_atomically(int* counts, const int* in, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) {
    atomicAdd(&counts[0], 1);
    atomicMax(&counts[1], in[i]);
    atomicMin(&counts[2], in[i]);
    if (atomicCAS(&counts[3], 0, 1) == 0) {
      atomicAdd(&counts[4], 1);
    }
    atomicExch(&counts[5], 7);
  }
}

// The last block to finish adds up what all blocks have left in `partial`. ticket: 0 before.
__global__ void sum_by_last_block(float* out, float* partial, unsigned* ticket, const float* in, int n) {
  LV_SHARED(unsigned, turn);
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  const float sum = simt::block_sum(i < n ? in[i] : 0.0F);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
    __threadfence();
    turn = atomicAdd(ticket, 1U);
  }
  __syncthreads();
  if (turn == gridDim.x - 1 && threadIdx.x == 0) {
    float total = 0.0F;
    for (unsigned block = 0; block < gridDim.x; ++block) {
      total += partial[block];
    }
    *out = total;
  }
}

// Mean and sum of squared deviations by pairwise merging: a combination of structs that does not commute in floating
// point.
struct Moments {
  float count;
  float mean;
  float deviation;
};
struct MergeMoments {
  LV_HOSTDEV Moments operator()(const Moments& a, const Moments& b) const {
    const float count = a.count + b.count;
    const float delta = b.mean - a.mean;
    return {count, a.mean + delta * b.count / count,
            a.deviation + b.deviation + delta * delta * a.count * b.count / count};
  }
};
__global__ void moments(Moments* out, const float* in) {
  const int i = simt::thread_rank();
  out[i] = simt::block_reduce(Moments{1.0F, in[i], 0.0F}, MergeMoments{});
}

// Largest value and its first place, as a pair of a float and an int.
struct Place {
  float value;
  int index;
};
struct LargerPlace {
  LV_HOSTDEV Place operator()(const Place& a, const Place& b) const {
    return b.value > a.value || (b.value == a.value && b.index < a.index) ? b : a;
  }
};
__global__ void find_largest(int* index, float* largest, const float* in) {
  const int i = simt::thread_rank();
  index[i] = simt::block_reduce(Place{in[i], i}, LargerPlace{}).index;
  largest[i] = simt::block_max(in[i]);
}

// Rows of four floats are read two tiles ahead. in: [tiles, 4 * blockDim.x], `n` floats of it are there; out alike,
// doubled.
__global__ void stream_tiles(float* out, const float* in, int tiles, int n) {
  LV_SHARED(float4, stage, [2][64]);
  const int t = int(threadIdx.x);
  const int width = int(blockDim.x);
  const auto fetch = [&](int tile) {
    const int first = (tile * width + t) * 4;
    const int valid = min(max(n - first, 0), 4);
    simt::async_copy<16>(&stage[tile % 2][t], in + (valid > 0 ? first : 0), valid * 4);
    simt::async_copy_commit();
  };
  fetch(0);
  for (int tile = 0; tile < tiles; ++tile) {
    if (tile + 1 < tiles) {
      fetch(tile + 1);
      simt::async_copy_wait<1>();
    } else {
      simt::async_copy_wait<0>();
    }
    __syncthreads();
    const float4 mirror = stage[tile % 2][width - 1 - t];
    reinterpret_cast<float4*>(out)[tile * width + t] =
        make_float4(2 * mirror.x, 2 * mirror.y, 2 * mirror.z, 2 * mirror.w);
    __syncthreads();
  }
}

// d: [16, 8] = a: [16, 16] * b: [16, 8], b stored by columns; bf16 bits. One warp.
__global__ void multiply_tile(float* d, const uint16_t* a, const uint16_t* b) {
  const int g = int(threadIdx.x) / 4;
  const int q = int(threadIdx.x) % 4;
  const auto pair = [](const uint16_t* p) { return unsigned(p[0]) | unsigned(p[1]) << 16; };
  const unsigned a_part[4] = {pair(a + g * 16 + 2 * q), pair(a + (g + 8) * 16 + 2 * q), pair(a + g * 16 + 2 * q + 8),
                              pair(a + (g + 8) * 16 + 2 * q + 8)};
  const unsigned b_part[2] = {pair(b + g * 16 + 2 * q), pair(b + g * 16 + 2 * q + 8)};
  const float zero[4] = {0.0F, 0.0F, 0.0F, 0.0F};
  float sum[4];
  simt::mma_m16n8k16_bf16(sum, a_part, b_part, zero);
  for (int i = 0; i < 4; ++i) {
    d[(g + i / 2 * 8) * 8 + 2 * q + i % 2] = sum[i];
  }
}

// Attention with online softmax, one block for one head: kLength queries, keys in tiles of 32 through shared memory.
// out, query, key, value: [heads, kLength, kDim]; bias: [2 kLength - 1] by key minus query.
template <int kLength, int kDim>
__global__ void __launch_bounds__(128)
    attention(float* out, const float* query, const float* key, const float* value, const float* bias) {
  LV_SHARED(float, keys, [32][kDim]);
  LV_SHARED(float, values, [32][kDim]);
  const int64_t base = int64_t(blockIdx.x) * kLength * kDim;
  const int t = int(threadIdx.x);
  float q[kDim];
  float sum[kDim];
  float largest = -1e30F;
  float denominator = 0.0F;
#pragma unroll
  for (int d = 0; d < kDim; ++d) {
    q[d] = t < kLength ? query[base + t * kDim + d] : 0.0F;
    sum[d] = 0.0F;
  }
  for (int first = 0; first < kLength; first += 32) {
    const int count = min(32, kLength - first);
    for (int i = t; i < count * kDim; i += int(blockDim.x)) {
      keys[i / kDim][i % kDim] = key[base + first * kDim + i];
      values[i / kDim][i % kDim] = value[base + first * kDim + i];
    }
    __syncthreads();
#pragma unroll 1
    for (int j = 0; t < kLength && j < count; ++j) {
      float logit = bias[first + j - t + kLength - 1];
#pragma unroll
      for (int d = 0; d < kDim; ++d) {
        logit = fmaf(q[d], keys[j][d], logit);
      }
      const float new_largest = max(largest, logit);
      const float shrink = __expf(largest - new_largest);
      const float weight = __expf(logit - new_largest);
      denominator = denominator * shrink + weight;
      largest = new_largest;
#pragma unroll
      for (int d = 0; d < kDim; ++d) {
        sum[d] = sum[d] * shrink + weight * values[j][d];
      }
    }
    __syncthreads();
  }
  for (int d = 0; t < kLength && d < kDim; ++d) {
    out[base + t * kDim + d] = sum[d] / denominator;
  }
}

}  // namespace lv::test
