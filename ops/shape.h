#pragma once

#include <vector>

#include "core/tensor.h"

namespace lv::ops {

// Other views of a tensor's elements, and tensors put together from others. All take any dtype and are differentiable
// for floating ones. Axes count from the end when negative. Those said to be views share the memory of x and never
// copy.

/// The same elements in the same order under another shape; one size may be -1. A view where x's strides allow it, else
/// of a row-major copy, which op statistics count ("reshape", contiguous_copies). Throws ShapeError.
Tensor reshape(const Tensor& x, const Shape& shape);

/// As reshape, but always a view: throws ShapeError where that needs a copy.
Tensor view(const Tensor& x, const Shape& shape);

/// Axes first to last made one. A view where possible, as reshape. Throws ShapeError.
Tensor flatten(const Tensor& x, int first = 0, int last = -1);

/// Drops an axis of size 1. A view. Throws ShapeError when the size is another.
Tensor squeeze(const Tensor& x, int axis);

/// Puts an axis of size 1 before `axis`, which is in [-rank - 1, rank]. A view. Throws ShapeError.
Tensor unsqueeze(const Tensor& x, int axis);

/// The axes in another order: axis i of the result is axis axes[i] of x. A view. Throws ShapeError.
Tensor permute(const Tensor& x, std::span<const int> axes);
inline Tensor permute(const Tensor& x, std::initializer_list<int> axes) {
  return permute(x, std::span<const int>(axes.begin(), axes.size()));
}

/// Swaps two axes. A view. Throws ShapeError.
Tensor transpose(const Tensor& x, int axis_a, int axis_b);

/// The end of every axis.
inline constexpr int64_t kEnd = INT64_MAX;

/// Elements begin, begin + step, ... before end along an axis, as Python's x[begin:end:step]: negative limits count
/// from the end, limits outside are moved to it, and end <= begin gives size 0. A view. Throws ShapeError unless step
/// >= 1.
Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end = kEnd, int64_t step = 1);

/// Drops an axis by fixing its index, which counts from the end when negative. A view. Throws ShapeError.
Tensor select(const Tensor& x, int axis, int64_t index);

/// Views of x cut along an axis into parts of these sizes. Throws ShapeError unless they add up to the axis.
std::vector<Tensor> split(const Tensor& x, std::span<const int64_t> sizes, int axis = 0);
inline std::vector<Tensor> split(const Tensor& x, std::initializer_list<int64_t> sizes, int axis = 0) {
  return split(x, std::span<const int64_t>(sizes.begin(), sizes.size()), axis);
}

/// Views of x cut into parts of `size`, the last one possibly smaller. Throws ShapeError.
std::vector<Tensor> split(const Tensor& x, int64_t size, int axis = 0);

/// Views of x cut into `count` parts of equal size rounded up; the last may be smaller, and there may be fewer. Throws
/// ShapeError.
std::vector<Tensor> chunk(const Tensor& x, int count, int axis = 0);

/// The tensors one after the other along an axis; all other sizes and the dtype must agree. At most 64 tensors. Throws
/// ShapeError, DTypeError.
Tensor concat(std::span<const Tensor> tensors, int axis = 0);
inline Tensor concat(std::initializer_list<Tensor> tensors, int axis = 0) {
  return concat(std::span<const Tensor>(tensors.begin(), tensors.size()), axis);
}

/// Tensors of one shape along a new axis. At most 64. Throws ShapeError, DTypeError.
Tensor stack(std::span<const Tensor> tensors, int axis = 0);
inline Tensor stack(std::initializer_list<Tensor> tensors, int axis = 0) {
  return stack(std::span<const Tensor>(tensors.begin(), tensors.size()), axis);
}

/// The elements in reverse order along each of these axes; a copy. Throws ShapeError.
Tensor flip(const Tensor& x, std::span<const int> axes);
inline Tensor flip(const Tensor& x, std::initializer_list<int> axes) {
  return flip(x, std::span<const int>(axes.begin(), axes.size()));
}

/// The elements moved by shifts[i] places along axes[i], those past the end coming in at the start; a copy. Throws
/// ShapeError.
Tensor roll(const Tensor& x, std::span<const int64_t> shifts, std::span<const int> axes);
inline Tensor roll(const Tensor& x, std::initializer_list<int64_t> shifts, std::initializer_list<int> axes) {
  return roll(x, std::span<const int64_t>(shifts.begin(), shifts.size()),
              std::span<const int>(axes.begin(), axes.size()));
}

}  // namespace lv::ops
