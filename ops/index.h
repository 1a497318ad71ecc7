#pragma once

#include "core/tensor.h"

namespace lv::ops {

// Elements by index. Indices are int64 and count from 0; on the CPU one that lies outside is a ShapeError. A device
// cannot report one without waiting for it: there it reads NaN (0 in integers) and adds nothing. Sums over equal
// indices are kept in the order of the elements, so results do not depend on threads or timing. Axes count from the end
// when negative.

/// y[..., j, ...] = x[..., index[..., j, ...], ...] along an axis. x: any dtype; index: x's shape but for the axis. The
/// result has index's shape. Differentiable in x. Throws ShapeError, DTypeError.
Tensor gather(const Tensor& x, int axis, const Tensor& index);

/// A copy of x in which src[..., j, ...] is added to the element index[..., j, ...] along an axis. x, src: one floating
/// dtype; src and index: x's shape but for the axis. Differentiable in x and src. Throws ShapeError, DTypeError.
Tensor scatter_add(const Tensor& x, int axis, const Tensor& index, const Tensor& src);

/// The slices index[0], index[1], ... of x along an axis. x: any dtype; index: [n]. Differentiable in x. Throws
/// ShapeError, DTypeError.
Tensor index_select(const Tensor& x, int axis, const Tensor& index);

/// A copy of x with slice k of src added to its slice index[k] along an axis. x, src: one floating dtype; index: [n];
/// src: x's shape with n at the axis. Differentiable in x and src. Throws ShapeError, DTypeError.
Tensor index_add(const Tensor& x, int axis, const Tensor& index, const Tensor& src);

/// Rows of a table: weight [rows, C], index of any shape S with at most kMaxRank - 1 axes -> [S..., C]. Differentiable
/// in weight; the row `padding_index`, where it is not negative, receives no gradient. Throws ShapeError, DTypeError.
Tensor embedding(const Tensor& weight, const Tensor& index, int64_t padding_index = -1);

/// y[..., c] = index[...] == c. index of any shape S with at most kMaxRank - 1 axes -> [S..., classes] in `dtype`. Not
/// differentiable. Throws ShapeError, DTypeError.
Tensor one_hot(const Tensor& index, int64_t classes, DType dtype = DType::f32);

// The shape of these results depends on x's values, so a device is waited for.

/// Coordinates of the elements that are not 0, in row-major order: x of any dtype -> [count, rank], int64. Not
/// differentiable.
Tensor nonzero(const Tensor& x);

/// The elements of x where `mask` (bool) is true, in row-major order: [count]. x: any dtype; the shapes broadcast.
/// Differentiable in x. Throws ShapeError, DTypeError.
Tensor masked_select(const Tensor& x, const Tensor& mask);

}  // namespace lv::ops
