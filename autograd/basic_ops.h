#pragma once

#include "core/tensor.h"

namespace lv::autograd {

// The differentiable steps that the engine itself needs. Users find them in ops/basic.h.

/// `x` in another dtype; itself when nothing changes. x: any shape; differentiable between floating dtypes.
Tensor cast(const Tensor& x, DType dtype);

/// `x` row-major; itself when it is already. Differentiable.
Tensor contiguous(const Tensor& x);

/// `x` summed over the axes along which `shape` broadcasts to x's shape. Differentiable. Throws ShapeError.
Tensor sum_to(const Tensor& x, const Shape& shape);

/// A view of `x` that broadcasts to `shape`. Differentiable. Throws ShapeError.
Tensor expand(const Tensor& x, const Shape& shape);

/// Another handle of `x` with a history of its own. Differentiable.
Tensor alias(const Tensor& x);

/// a + b with broadcasting. Differentiable; mixed dtypes are an error (DTypeError).
Tensor add(const Tensor& a, const Tensor& b);

// Not differentiable: the engine's own bookkeeping.

/// A row-major copy.
Tensor copy_contiguous(const Tensor& x);

/// target += term, same shapes; bumps the version.
void add_in_place(const Tensor& target, const Tensor& term);

/// sum + term for two gradients of one shape; written into `sum` when nobody else holds it. With `create_graph` it is
/// add().
Tensor accumulate(const Tensor& sum, const Tensor& term, bool create_graph);

/// Whether no element is NaN or infinite; brings the tensor to the host.
bool is_all_finite(const Tensor& x);

}  // namespace lv::autograd
