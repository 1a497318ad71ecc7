#pragma once

#include "kernels/optimizer.h"
#include "kernels/simt/dialect.h"
#include "kernels/simt/reduce.cuh"

// One block works on one chunk of the table: neighbouring threads on neighbouring elements, a block apart.

namespace lv::kernels::cuda {

inline constexpr int kUpdateThreads = 256;

/// What a block has to do.
struct ChunkOfBlock {
  UpdateTensor tensor;
  int64_t begin;
  int64_t count;
};

LV_DEVICE ChunkOfBlock chunk_of_block(const UpdateTable& table) {
  const UpdateChunk part = table.chunks[blockIdx.x];
  ChunkOfBlock chunk{table.tensors[part.tensor], part.begin, 0};
  const int64_t left = chunk.tensor.count - part.begin;
  chunk.count = left < kUpdateChunk ? left : kUpdateChunk;
  return chunk;
}

template <class A, class Rule>
__global__ void update_kernel(UpdateTable table, Rule rule) {
  using Step = typename Rule::template Step<A>;
  // One thread takes the powers and roots in double and shares the result.
  LV_SHARED(Step, shared_step, [1]);
  const ChunkOfBlock chunk = chunk_of_block(table);
  if (threadIdx.x == 0) {
    shared_step[0] = rule.template prepare<A>(chunk.tensor);
  }
  __syncthreads();
  const Step step = shared_step[0];
  A* value = static_cast<A*>(chunk.tensor.value) + chunk.begin;
  const A* grad = Rule::kHasGrad ? static_cast<const A*>(chunk.tensor.grad) + chunk.begin : nullptr;
  A* state0 = Rule::kStates > 0 ? static_cast<A*>(chunk.tensor.state[0]) + chunk.begin : nullptr;
  A* state1 = Rule::kStates > 1 ? static_cast<A*>(chunk.tensor.state[1]) + chunk.begin : nullptr;
#pragma unroll 4
  for (int i = int(threadIdx.x); i < int(chunk.count); i += kUpdateThreads) {
    A v = value[i];
    const A g = Rule::kHasGrad ? grad[i] : A(0);
    A s[2] = {Rule::kStates > 0 ? state0[i] : A(0), Rule::kStates > 1 ? state1[i] : A(0)};
    step(v, g, s);
    value[i] = v;
    if constexpr (Rule::kStates > 0) {
      state0[i] = s[0];
    }
    if constexpr (Rule::kStates > 1) {
      state1[i] = s[1];
    }
  }
}

template <class A>
__global__ void sum_squares_kernel(UpdateTable table, double grad_scale, double weight_decay, double* partials) {
  const ChunkOfBlock chunk = chunk_of_block(table);
  const A* value = static_cast<const A*>(chunk.tensor.value) + chunk.begin;
  const A* grad = static_cast<const A*>(chunk.tensor.grad);
  const auto scale = A(grad_scale);
  const auto decay = A(chunk.tensor.decay(weight_decay));
  A of_values = 0;
  A of_steps = 0;
  for (int i = int(threadIdx.x); i < int(chunk.count); i += kUpdateThreads) {
    const A v = value[i];
    of_values += v * v;
    if (grad != nullptr) {
      const A d = grad[chunk.begin + i] * scale + v * decay;
      of_steps += d * d;
    }
  }
  const double total_of_values = simt::block_sum(double(of_values));
  const double total_of_steps = simt::block_sum(double(of_steps));
  if (threadIdx.x == 0) {
    partials[2 * int64_t(blockIdx.x)] = total_of_values;
    partials[2 * int64_t(blockIdx.x) + 1] = total_of_steps;
  }
}

// One block per tensor: thread t adds chunks t, t + threads, ..., then the threads' sums meet in order.
static __global__ void combine_squares_kernel(UpdateTable table, const double* partials, double* squares) {
  const UpdateTensor& tensor = table.tensors[blockIdx.x];
  const int64_t chunks = (tensor.count + kUpdateChunk - 1) / kUpdateChunk;
  double sums[2] = {0, 0};
  for (int64_t i = threadIdx.x; i < chunks; i += kUpdateThreads) {
    sums[0] += partials[2 * (tensor.first_chunk + i)];
    sums[1] += partials[2 * (tensor.first_chunk + i) + 1];
  }
  for (int k = 0; k < 2; ++k) {
    const double total = simt::block_sum(sums[k]);
    if (threadIdx.x == 0) {
      squares[2 * tensor.index + k] = total;
    }
  }
}

// One block for all tensors.
static __global__ void clip_factors_kernel(ClipFactorsArgs args) {
  double sum = 0;
  for (int64_t t = threadIdx.x; t < args.tensor_count; t += kUpdateThreads) {
    sum += args.squares[2 * t];
  }
  const double total = sqrt(simt::block_sum(sum));
  for (int64_t t = threadIdx.x; t < args.tensor_count; t += kUpdateThreads) {
    const double norm = args.per_tensor ? sqrt(args.squares[2 * t]) : total;
    args.factors[t] = clip_factor(norm, args.max_norm);
    if (args.per_tensor || t == 0) {
      args.norms[t] = norm;
    }
  }
}

template <class A>
__global__ void scale_tensors_kernel(ScaleTensorsArgs args) {
  const ChunkOfBlock chunk = chunk_of_block(args.table);
  const auto factor = A(args.scale * (args.factors != nullptr ? args.factors[chunk.tensor.index] : 1.0));
  if (factor != A(1) || args.non_finite != nullptr) {
    A* value = static_cast<A*>(chunk.tensor.value) + chunk.begin;
    A zero = 0;  // NaN once a result is not finite
#pragma unroll 4
    for (int i = int(threadIdx.x); i < int(chunk.count); i += kUpdateThreads) {
      const A scaled = value[i] * factor;
      value[i] = scaled;
      zero += scaled * A(0);
    }
    if (args.non_finite != nullptr && zero != A(0)) {
      atomicExch(args.non_finite, 1);
    }
  }
}

}  // namespace lv::kernels::cuda
