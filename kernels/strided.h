#pragma once

#include <array>

#include "core/hostdev.h"
#include "kernels/tensor_ref.h"

namespace lv::kernels {

/// N arrays of one shape walked together, with as few axes as their strides allow: axes of size 1 dropped, axes that
/// lie densely in one another for every array merged, the rest ordered by the last array's strides (the output's), so
/// that the innermost axis is contiguous where possible.
template <int N>
struct StridedLoop {
  int rank = 0;  // at least 1 unless every array has one element
  int64_t count = 1;
  int64_t sizes[kMaxRank] = {};
  int64_t strides[N][kMaxRank] = {};

  /// Element offsets in each array of the `index`-th element of the walk.
  LV_HOSTDEV void offsets(int64_t index, int64_t (&at)[N]) const {
    for (int k = 0; k < N; ++k) {
      at[k] = 0;
    }
    for (int axis = rank - 1; axis > 0; --axis) {
      const int64_t rest = index / sizes[axis];
      const int64_t position = index - rest * sizes[axis];
      index = rest;
      for (int k = 0; k < N; ++k) {
        at[k] += position * strides[k][axis];
      }
    }
    for (int k = 0; k < N; ++k) {
      at[k] += index * strides[k][0];
    }
  }

  /// Length of the innermost axis, 1 if there is none.
  [[nodiscard]] int64_t run() const { return rank > 0 ? sizes[rank - 1] : 1; }
  /// Step of array k along the innermost axis.
  [[nodiscard]] int64_t step(int k) const { return strides[k][rank > 0 ? rank - 1 : 0]; }
};

/// Plans the walk over `shape`; strides[k] belongs to array k.
template <int N>
StridedLoop<N> plan_strided(const Shape& shape, const std::array<Strides, N>& strides) {
  StridedLoop<N> loop;
  loop.count = numel(shape);
  const Strides& leading = strides[N - 1];
  std::array<int, kMaxRank> order{};
  int rank = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) {
      continue;
    }
    int place = rank++;
    for (; place > 0 && leading[order[size_t(place - 1)]] < leading[axis]; --place) {
      order[size_t(place)] = order[size_t(place - 1)];
    }
    order[size_t(place)] = axis;
  }
  for (int i = 0; i < rank; ++i) {
    const int axis = order[size_t(i)];
    bool merges = loop.rank > 0;
    for (int k = 0; k < N && merges; ++k) {
      merges = loop.strides[k][loop.rank - 1] == strides[size_t(k)][axis] * shape[axis];
    }
    if (!merges) {
      ++loop.rank;
      loop.sizes[loop.rank - 1] = 1;
    }
    loop.sizes[loop.rank - 1] *= shape[axis];
    for (int k = 0; k < N; ++k) {
      loop.strides[k][loop.rank - 1] = strides[size_t(k)][axis];
    }
  }
  return loop;
}

/// `array` repeated along axes of size 1 and missing leading axes to fill `shape`, which it must broadcast to.
inline ConstTensorRef expanded(const ConstTensorRef& array, const Shape& shape) {
  ConstTensorRef view{array.data, shape, Strides::filled(shape.rank(), 0), array.dtype};
  const int missing = shape.rank() - array.rank();
  for (int axis = 0; axis < array.rank(); ++axis) {
    view.strides[missing + axis] = array.shape[axis] == 1 ? 0 : array.strides[axis];
  }
  return view;
}

}  // namespace lv::kernels
