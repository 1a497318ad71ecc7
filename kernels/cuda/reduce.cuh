#pragma once

#include "kernels/reduce.cell.h"
#include "kernels/reduce.plan.h"
#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"
#include "kernels/simt/reduce.cuh"

namespace lv::kernels::cuda {

// See Note [Reductions].

inline constexpr int kReduceLanes = 32;
inline constexpr int kReduceWarps = 8;

template <class M, class T>
using OtherType = std::conditional_t<std::is_same_v<M, cell::Product>, T, ComputeType<T>>;

/// Where results go: chunks' results to `partials` ([chunks, outputs]) or, where there is one chunk, to y, which holds
/// T or ComputeType<T>.
template <class T>
struct ReduceResults {
  using C = ComputeType<T>;
  T* y;
  C* wide_y;
  C* partials;
  C scale;

  LV_DEVICE void finish(int64_t y_at, C total) const {
    if (wide_y != nullptr) {
      wide_y[y_at] = total * scale;
    } else {
      y[y_at] = convert<T>(total * scale);
    }
  }
};

template <class M, class T>
LV_DEVICE ComputeType<T> reduce_term(const T* x, const OtherType<M, T>* other) {
  if constexpr (M::kHasOther) {
    return M::term(widen(*x), widen(*other));
  } else {
    return M::term(widen(*x), ComputeType<T>(0));
  }
}

/// Terms begin, begin + stride, ... below end of the output whose first terms are at x and other.
template <class R, class M, class T>
LV_DEVICE ComputeType<T> reduce_walk(const ReducePlan& plan, const T* x, const OtherType<M, T>* other, int64_t begin,
                                     int64_t end, int64_t stride) {
  auto total = ComputeType<T>(R::kIdentity);
  for (int64_t term = begin; term < end; term += stride) {
    int64_t at[2];
    plan.terms.offsets(term, at);
    total = R::combine(total, reduce_term<M, T>(x + at[1], M::kHasOther ? other + at[0] : other));
  }
  return total;
}

// Inner: a block (or, with few terms, a warp) per output and chunk; neighbouring threads read neighbouring terms.
template <class R, class M, class T>
__global__ void reduce_inner_kernel(const T* x, const OtherType<M, T>* other, ReduceResults<T> results, ReducePlan plan,
                                    bool is_by_warp) {
  using C = ComputeType<T>;
  const int64_t task = is_by_warp ? int64_t(blockIdx.x) * kReduceWarps + threadIdx.y : int64_t(blockIdx.x);
  const int64_t output = task / plan.chunks;
  const int64_t chunk = task % plan.chunks;
  const bool exists = output < plan.outputs.count;
  int64_t at[3] = {};
  auto total = C(R::kIdentity);
  if (exists) {
    plan.outputs.offsets(output, at);
    const int64_t rank = is_by_warp ? int64_t(threadIdx.x) : simt::thread_rank();
    const int64_t end = chunk + 1 == plan.chunks ? plan.terms.count : (chunk + 1) * plan.chunk;
    total = reduce_walk<R, M>(plan, x + at[ReducePlan::kX], M::kHasOther ? other + at[ReducePlan::kOther] : other,
                              chunk * plan.chunk + rank, end, is_by_warp ? kReduceLanes : kReduceLanes * kReduceWarps);
  }
  const auto combine = [](C a, C b) { return R::combine(a, b); };
  total = is_by_warp ? simt::warp_reduce(total, combine) : simt::block_reduce(total, combine);
  if (exists && threadIdx.x == 0 && (is_by_warp || threadIdx.y == 0)) {
    if (plan.chunks == 1) {
      results.finish(at[ReducePlan::kY], total);
    } else {
      results.partials[chunk * plan.outputs.count + output] = total;
    }
  }
}

// Outer: a block per 32 neighbouring outputs and chunk. Thread (x, y) walks down column x over every 8th row; the 8
// results of a column meet in shared memory.
template <class R, class M, class T>
__global__ void reduce_outer_kernel(const T* x, const OtherType<M, T>* other, ReduceResults<T> results,
                                    ReducePlan plan) {
  using C = ComputeType<T>;
  LV_SHARED(C, of_row, [kReduceWarps][kReduceLanes]);
  const int64_t chunk = blockIdx.y;
  const int64_t output = int64_t(blockIdx.x) * kReduceLanes + threadIdx.x;
  const bool exists = output < plan.outputs.count;
  int64_t at[3] = {};
  auto total = C(R::kIdentity);
  if (exists) {
    plan.outputs.offsets(output, at);
    const int64_t end = chunk + 1 == plan.chunks ? plan.terms.count : (chunk + 1) * plan.chunk;
    total = reduce_walk<R, M>(plan, x + at[ReducePlan::kX], M::kHasOther ? other + at[ReducePlan::kOther] : other,
                              chunk * plan.chunk + threadIdx.y, end, kReduceWarps);
  }
  of_row[threadIdx.y][threadIdx.x] = total;
  __syncthreads();
  if (exists && threadIdx.y == 0) {
    for (int row = 1; row < kReduceWarps; ++row) {
      total = R::combine(total, of_row[row][threadIdx.x]);
    }
    if (plan.chunks == 1) {
      results.finish(at[ReducePlan::kY], total);
    } else {
      results.partials[chunk * plan.outputs.count + output] = total;
    }
  }
}

// One thread per output combines its chunks in their order; neighbouring threads read neighbouring partial results.
template <class R, class T>
__global__ void reduce_chunks_kernel(ReduceResults<T> results, ReducePlan plan) {
  const int64_t output = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (output < plan.outputs.count) {
    auto total = ComputeType<T>(R::kIdentity);
    for (int64_t chunk = 0; chunk < plan.chunks; ++chunk) {
      total = R::combine(total, results.partials[chunk * plan.outputs.count + output]);
    }
    int64_t at[3];
    plan.outputs.offsets(output, at);
    results.finish(at[ReducePlan::kY], total);
  }
}

// One thread per element of the walk, in the output's order.
template <class F, class T>
__global__ void reduction_gradient_kernel(const T* x, const ComputeType<T>* a, const ComputeType<T>* b, T* dx,
                                          StridedLoop<4> loop) {
  const int64_t index = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index < loop.count) {
    int64_t at[4];
    loop.offsets(index, at);
    dx[at[3]] = convert<T>(F::value(widen(x[at[0]]), a[at[1]], b[at[2]]));
  }
}

}  // namespace lv::kernels::cuda
