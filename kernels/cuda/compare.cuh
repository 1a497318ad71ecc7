#pragma once

#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"
#include "kernels/strided.h"

namespace lv::kernels::cuda {

// One thread per element of the walk, in the output's order.

/// A null b stands for `scalar` everywhere.
template <class F, class T>
__global__ void compare_kernel(const T* a, const T* b, T scalar, bool* y, StridedLoop<3> loop) {
  const int64_t index = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index < loop.count) {
    int64_t at[3];
    loop.offsets(index, at);
    y[at[2]] = F::value(widen(a[at[0]]), widen(b != nullptr ? b[at[1]] : scalar));
  }
}

/// A null a or b stands for `fill` everywhere.
template <class Word>
__global__ void select_kernel(const bool* mask, const Word* a, const Word* b, Word fill, Word* y, StridedLoop<4> loop) {
  const int64_t index = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index < loop.count) {
    int64_t at[4];
    loop.offsets(index, at);
    const Word* chosen = mask[at[0]] ? a : b;
    const int64_t place = mask[at[0]] ? at[1] : at[2];
    y[at[3]] = chosen != nullptr ? chosen[place] : fill;
  }
}

}  // namespace lv::kernels::cuda
