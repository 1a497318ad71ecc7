#pragma once

#include "kernels/pair_loss.cell.h"
#include "kernels/scalar.h"
#include "kernels/simt/reduce.cuh"

namespace lv::kernels::cuda {

// One thread per element.
template <class F, class T>
__global__ void pair_loss_kernel(const T* x, const T* t, T* y, ComputeType<T> parameter, int64_t count) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < count) {
    y[i] = convert<T>(F::value(widen(x[i]), widen(t[i]), parameter));
  }
}

// One block per chunk: its threads take neighbouring elements, whose sums meet in lane order.
template <class F, class T>
__global__ void pair_loss_chunk_kernel(const T* x, const T* t, double* partials, ComputeType<T> parameter,
                                       int64_t chunk, int64_t count) {
  const int64_t begin = int64_t(blockIdx.x) * chunk;
  const int64_t end = begin + chunk < count ? begin + chunk : count;
  ComputeType<T> sum = 0;
  for (int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) {
    sum += F::value(widen(x[i]), widen(t[i]), parameter);
  }
  const double total = simt::block_reduce(double(sum), simt::Plus{});
  if (threadIdx.x == 0) {
    partials[blockIdx.x] = total;
  }
}

// One block.
template <class T>
__global__ void pair_loss_total_kernel(const double* partials, int64_t chunks, double scale, T* result) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < chunks; i += blockDim.x) {
    sum += partials[i];
  }
  sum = simt::block_reduce(sum, simt::Plus{});
  if (threadIdx.x == 0) {
    *result = convert<T>(ComputeType<T>(sum * scale));
  }
}

template <class T>
struct PairLossGradients {
  const T* grad;
  bool is_common;
  T* dx;  // or null
  T* dt;  // or null
};

// One thread per element.
template <class F, class T>
__global__ void pair_loss_grad_kernel(const T* x, const T* t, PairLossGradients<T> of, ComputeType<T> parameter,
                                      ComputeType<T> scale, int64_t count) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < count) {
    const ComputeType<T> u = widen(x[i]);
    const ComputeType<T> v = widen(t[i]);
    const ComputeType<T> factor = scale * widen(of.grad[of.is_common ? 0 : i]);
    if (of.dx != nullptr) {
      of.dx[i] = convert<T>(factor * F::by_input(u, v, parameter));
    }
    if (of.dt != nullptr) {
      of.dt[i] = convert<T>(factor * F::by_target(u, v, parameter));
    }
  }
}

}  // namespace lv::kernels::cuda
