#pragma once

#include "kernels/cuda/channel_norm.cuh"
#include "kernels/simt/reduce.cuh"
#include "kernels/softmax.cell.h"

namespace lv::kernels::cuda {

// Rows of up to kWarpRow elements go to one warp each, kRowsOfBlock to a block; longer ones to a block each. Thread t
// of a row's threads owns elements t, t + threads, ...: neighbours read neighbours. Warps past the last row take part
// in the shuffles without touching memory.
inline constexpr int64_t kWarpRow = 1024;
inline constexpr int kRowsOfBlock = 4;
inline constexpr int kLongRowThreads = 256;

/// Combines the values of a row's threads.
template <class Value, class Combine>
LV_DEVICE Value row_reduce(Value value, Combine combine) {
  return blockDim.x == 32 ? simt::warp_reduce(value, combine) : simt::block_reduce(value, combine);
}

LV_DEVICE int64_t row_of_thread() { return int64_t(blockIdx.x) * blockDim.y + threadIdx.y; }

struct MergeExpSums {
  template <class A>
  LV_HOSTDEV ExpSum<A> operator()(ExpSum<A> a, ExpSum<A> b) const {
    return ExpSum<A>::merge(a, b);
  }
};

template <class T>
LV_DEVICE ExpSum<ComputeType<T>> row_exp_sum(DeviceRows<const T> x, int64_t row, int64_t columns) {
  ExpSum<ComputeType<T>> part;
  for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) {
    part.add(widen(x.at(row, i)));
  }
  return row_reduce(part, MergeExpSums{});
}

template <class T>
__global__ void softmax_rows_kernel(DeviceRows<const T> x, DeviceRows<T> y, int64_t rows, int64_t n, bool is_log) {
  using A = ComputeType<T>;
  const int64_t row = row_of_thread();
  const int64_t columns = row < rows ? n : 0;
  const ExpSum<A> total = row_exp_sum(x, row, columns);
  const A factor = is_log ? std::log(total.sum) : A(1) / total.sum;
  for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) {
    const A shifted = widen(x.at(row, i)) - total.max;
    y.at(row, i) = convert<T>(is_log ? shifted - factor : std::exp(shifted) * factor);
  }
}

template <class A>
LV_DEVICE A softmax_grad_term(A grad, A value, bool is_log) {
  return is_log ? grad : grad * value;
}
template <class A>
LV_DEVICE A softmax_grad_element(A grad, A value, A sum, bool is_log) {
  return is_log ? grad - std::exp(value) * sum : value * (grad - sum);
}

template <class T>
__global__ void softmax_rows_grad_kernel(DeviceRows<const T> grad_y, DeviceRows<const T> y, DeviceRows<T> grad_x,
                                         int64_t rows, int64_t n, bool is_log) {
  using A = ComputeType<T>;
  const int64_t row = row_of_thread();
  const int64_t columns = row < rows ? n : 0;
  A sum = 0;
  for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) {
    sum += softmax_grad_term(widen(grad_y.at(row, i)), widen(y.at(row, i)), is_log);
  }
  sum = row_reduce(sum, simt::Plus{});
  for (int64_t i = threadIdx.x; i < columns; i += blockDim.x) {
    grad_x.at(row, i) = convert<T>(softmax_grad_element(widen(grad_y.at(row, i)), widen(y.at(row, i)), sum, is_log));
  }
}

// One thread per column of [outer, n, inner]: neighbouring threads read neighbouring columns.
template <class T>
__global__ void softmax_columns_kernel(const T* x, T* y, int64_t outer, int64_t n, int64_t inner, bool is_log) {
  using A = ComputeType<T>;
  const int64_t column = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (column >= outer * inner) {
    return;
  }
  const int64_t first = column / inner * n * inner + column % inner;
  ExpSum<A> total;
  for (int64_t i = 0; i < n; ++i) {
    total.add(widen(x[first + i * inner]));
  }
  const A factor = is_log ? std::log(total.sum) : A(1) / total.sum;
  for (int64_t i = 0; i < n; ++i) {
    const A shifted = widen(x[first + i * inner]) - total.max;
    y[first + i * inner] = convert<T>(is_log ? shifted - factor : std::exp(shifted) * factor);
  }
}

template <class T>
__global__ void softmax_columns_grad_kernel(const T* grad_y, const T* y, T* grad_x, int64_t outer, int64_t n,
                                            int64_t inner, bool is_log) {
  using A = ComputeType<T>;
  const int64_t column = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (column >= outer * inner) {
    return;
  }
  const int64_t first = column / inner * n * inner + column % inner;
  A sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    sum += softmax_grad_term(widen(grad_y[first + i * inner]), widen(y[first + i * inner]), is_log);
  }
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = first + i * inner;
    grad_x[at] = convert<T>(softmax_grad_element(widen(grad_y[at]), widen(y[at]), sum, is_log));
  }
}

}  // namespace lv::kernels::cuda
