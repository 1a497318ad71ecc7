#pragma once

#include "kernels/binary.cell.h"
#include "kernels/elementwise.cell.h"
#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"
#include "kernels/strided.h"

namespace lv::kernels::cuda {

// Each thread owns kElementsPerThread elements of the walk, which follows the output's order. Where every array is
// contiguous they are neighbours, moved as one word; otherwise they lie a block's width apart, so that the threads of a
// warp touch neighbouring elements.

inline constexpr int kElementsPerThread = 4;

template <class T>
struct alignas(kElementsPerThread * sizeof(T)) Pack {
  T values[kElementsPerThread];
};

/// The arrays of an element-wise kernel: inputs, then the output.
template <class T, int kInputs>
struct ElementArrays {
  const T* in[kInputs];
  T* out;
  StridedLoop<kInputs + 1> loop;
  bool is_packed;  // contiguous, aligned, and a multiple of kElementsPerThread long
};

template <class T, int kInputs, class Fn>
LV_DEVICE void for_each_element(const ElementArrays<T, kInputs>& arrays, Fn fn) {
  using C = ComputeType<T>;
  const int64_t thread = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (arrays.is_packed) {
    if (thread * kElementsPerThread < arrays.loop.count) {
      Pack<T> in[kInputs];
#pragma unroll
      for (int k = 0; k < kInputs; ++k) {
        in[k] = reinterpret_cast<const Pack<T>*>(arrays.in[k])[thread];
      }
      Pack<T> out;
#pragma unroll
      for (int i = 0; i < kElementsPerThread; ++i) {
        C values[kInputs];
#pragma unroll
        for (int k = 0; k < kInputs; ++k) {
          values[k] = widen(in[k].values[i]);
        }
        out.values[i] = convert<T>(fn(values));
      }
      reinterpret_cast<Pack<T>*>(arrays.out)[thread] = out;
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < kElementsPerThread; ++i) {
    const int64_t index = (int64_t(blockIdx.x) * kElementsPerThread + i) * blockDim.x + threadIdx.x;
    if (index < arrays.loop.count) {
      int64_t at[kInputs + 1];
      arrays.loop.offsets(index, at);
      C values[kInputs];
#pragma unroll
      for (int k = 0; k < kInputs; ++k) {
        values[k] = widen(arrays.in[k][at[k]]);
      }
      arrays.out[at[kInputs]] = convert<T>(fn(values));
    }
  }
}

template <class F, class T>
__global__ void unary_kernel(ElementArrays<T, 1> arrays, Scalars<ComputeType<T>> scalars) {
  for_each_element(arrays, [&](const ComputeType<T>(&x)[1]) { return F::value(x[0], scalars); });
}

template <class F, class T>
__global__ void unary_gradient_kernel(ElementArrays<T, 2> arrays, Scalars<ComputeType<T>> scalars) {
  for_each_element(arrays, [&](const ComputeType<T>(&x)[2]) { return F::gradient(x[0], x[1], scalars); });
}

template <class F, class T>
__global__ void binary_kernel(ElementArrays<T, 2> arrays) {
  for_each_element(arrays, [](const ComputeType<T>(&x)[2]) { return F::value(x[0], x[1]); });
}

template <class F, class T>
__global__ void ternary_kernel(ElementArrays<T, 3> arrays) {
  for_each_element(arrays, [](const ComputeType<T>(&x)[3]) { return F::value(x[0], x[1], x[2]); });
}

}  // namespace lv::kernels::cuda
