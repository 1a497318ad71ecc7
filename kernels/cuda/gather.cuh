#pragma once

#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"

namespace lv::kernels::cuda {

// Sizes of [outer, size, inner] and [outer, count, inner].
struct GatherGeometry {
  int64_t outer;
  int64_t size;
  int64_t count;
  int64_t inner;

  LV_HOSTDEV bool has(int64_t index) const { return index >= 0 && index < size; }
};

LV_DEVICE int64_t global_thread() { return int64_t(blockIdx.x) * blockDim.x + threadIdx.x; }

// One thread per element of y, in its order.
template <class W>
__global__ void gather_kernel(const W* x, const int64_t* index, W* y, GatherGeometry g, W missing) {
  const int64_t at = global_thread();
  if (at < g.outer * g.count * g.inner) {
    const int64_t chosen = index[at];
    const int64_t outer = at / (g.count * g.inner);
    y[at] = g.has(chosen) ? x[(outer * g.size + chosen) * g.inner + at % g.inner] : missing;
  }
}

// One thread per lane (o, i), which alone writes the elements of y in its lane and walks j in order.
template <class T>
__global__ void scatter_add_kernel(const T* src, const int64_t* index, ComputeType<T>* y, GatherGeometry g) {
  const int64_t lane = global_thread();
  if (lane < g.outer * g.inner) {
    const int64_t outer = lane / g.inner;
    const int64_t i = lane % g.inner;
    for (int64_t j = 0; j < g.count; ++j) {
      const int64_t at = (outer * g.count + j) * g.inner + i;
      if (g.has(index[at])) {
        y[(outer * g.size + index[at]) * g.inner + i] += widen(src[at]);
      }
    }
  }
}

// One thread per element of y, in its order.
template <class W>
__global__ void take_rows_kernel(const W* x, const int64_t* index, W* y, GatherGeometry g, int64_t skip, W missing) {
  const int64_t at = global_thread();
  if (at < g.outer * g.count * g.inner) {
    const int64_t row = at / g.inner;
    const int64_t chosen = index[row % g.count];
    const W taken = g.has(chosen) ? x[(row / g.count * g.size + chosen) * g.inner + at % g.inner] : missing;
    y[at] = chosen == skip ? W(0) : taken;
  }
}

// One thread per element of src in the order of rows; the threads of the first row of each index add all of them, the
// others find that they are not first and do nothing. `order` null: the rows are in order already.
template <class T>
__global__ void add_rows_kernel(const T* src, const int64_t* index, const int64_t* order, T* y, GatherGeometry g,
                                int64_t skip) {
  const int64_t at = global_thread();
  if (at < g.outer * g.count * g.inner) {
    const int64_t i = at % g.inner;
    const int64_t place = at / g.inner % g.count;
    const int64_t outer = at / g.inner / g.count;
    const auto position = [&](int64_t k) { return order != nullptr ? order[k] : k; };
    const int64_t row = index[position(place)];
    const bool is_first = place == 0 || index[position(place - 1)] != row;
    if (is_first && row != skip && g.has(row)) {
      ComputeType<T> sum = 0;
      for (int64_t k = place; k < g.count && index[position(k)] == row; ++k) {
        sum += widen(src[(outer * g.count + position(k)) * g.inner + i]);
      }
      T* const target = y + (outer * g.size + row) * g.inner + i;
      *target = convert<T>(widen(*target) + sum);
    }
  }
}

// One thread per element of y, in its order.
template <class T>
__global__ void one_hot_kernel(const int64_t* index, T* y, int64_t count, int64_t classes) {
  const int64_t at = global_thread();
  if (at < count * classes) {
    y[at] = convert<T>(index[at / classes] == at % classes ? 1.0F : 0.0F);
  }
}

}  // namespace lv::kernels::cuda
