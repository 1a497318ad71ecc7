#pragma once

#include "kernels/scalar.h"
#include "kernels/scan.h"
#include "kernels/simt/dialect.h"
#include "kernels/simt/reduce.cuh"
#include "kernels/strided.h"

namespace lv::kernels::cuda {

inline constexpr int kScanLanes = 32;
inline constexpr int kScanWarps = 8;

template <class C>
struct Candidate {
  C value;
  int64_t place;  // -1: none
};

// A warp per line: lane l looks at elements l, l + 32, ...; candidates meet as a tree, in which the smaller place wins
// among equals.
template <class T>
__global__ void arg_reduce_kernel(const T* x, int64_t* index, StridedLoop<2> lines, int64_t length, int64_t step,
                                  bool is_largest) {
  using C = ComputeType<T>;
  const int64_t line = int64_t(blockIdx.x) * kScanWarps + threadIdx.y;
  int64_t at[2] = {};
  Candidate<C> best{C(0), -1};
  if (line < lines.count) {
    lines.offsets(line, at);
    for (int64_t i = threadIdx.x; i < length; i += kScanLanes) {
      const C value = widen(x[at[1] + i * step]);
      if (best.place < 0 || replaces_best(value, best.value, is_largest)) {
        best = {value, i};
      }
    }
  }
  best = simt::warp_reduce(best, [is_largest](Candidate<C> a, Candidate<C> b) {
    if (a.place < 0 || b.place < 0) {
      return a.place < 0 ? b : a;
    }
    const bool b_wins = replaces_best(b.value, a.value, is_largest);
    const bool a_wins = replaces_best(a.value, b.value, is_largest);
    return b_wins || (!a_wins && b.place < a.place) ? b : a;
  });
  if (line < lines.count && threadIdx.x == 0) {
    index[at[0]] = best.place;
  }
}

// A block per line, for lines whose elements are neighbours and for few lines: threads take neighbouring elements in as
// many rounds as that takes. Warps sum up as trees, and meet in ascending order on top of the rounds before.
template <class T>
__global__ void cumsum_line_kernel(const T* x, T* y, StridedLoop<2> lines, int64_t length, int64_t x_step,
                                   int64_t y_step, bool is_reverse) {
  LV_SHARED(double, of_warp, [32]);
  const int lane = int(threadIdx.x) % warpSize;
  const int warp = int(threadIdx.x) / warpSize;
  const int warps = int(blockDim.x) / warpSize;
  int64_t at[2];
  lines.offsets(blockIdx.x, at);
  double carry = 0;
  for (int64_t begin = 0; begin < length; begin += blockDim.x) {
    const int64_t i = begin + threadIdx.x;
    const int64_t place = is_reverse ? length - 1 - i : i;
    double sum = i < length ? double(widen(x[at[1] + place * x_step])) : 0.0;
    for (int step = 1; step < warpSize; step *= 2) {
      const double before = __shfl_up_sync(~0U, sum, step);
      sum += lane >= step ? before : 0.0;
    }
    if (lane == warpSize - 1) {
      of_warp[warp] = sum;
    }
    __syncthreads();
    for (int w = 0; w < warps; ++w) {
      sum += w == warp ? carry : 0.0;
      carry += of_warp[w];
    }
    if (i < length) {
      y[at[0] + place * y_step] = convert<T>(ComputeType<T>(sum));
    }
    __syncthreads();  // the next round writes of_warp
  }
}

// A thread per line, which adds in order: neighbouring threads have neighbouring lines.
template <class T>
__global__ void cumsum_kernel(const T* x, T* y, StridedLoop<2> lines, int64_t length, int64_t x_step, int64_t y_step,
                              bool is_reverse) {
  const int64_t line = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (line < lines.count) {
    int64_t at[2];
    lines.offsets(line, at);
    double sum = 0;
    for (int64_t i = 0; i < length; ++i) {
      const int64_t place = is_reverse ? length - 1 - i : i;
      sum += double(widen(x[at[1] + place * x_step]));
      y[at[0] + place * y_step] = convert<T>(ComputeType<T>(sum));
    }
  }
}

}  // namespace lv::kernels::cuda
