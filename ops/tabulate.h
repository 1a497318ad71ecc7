#pragma once

#include "core/tensor.h"

// Plain evaluation on the host, element by element, for references of ops.

namespace lv::ops {

/// The element of a contiguous float64 host tensor at a position.
inline double element(const Tensor& x, const Dims& at) {
  int64_t offset = 0;
  for (int axis = 0; axis < x.rank(); ++axis) {
    offset = offset * x.size(axis) + at[axis];
  }
  return x.data<double>()[offset];
}

/// `x` as element() takes it.
inline Tensor on_host_f64(const Tensor& x) { return x.to(Device::cpu()).to(DType::f64).contiguous(); }

/// Calls fn(at) for every position of `shape`, in row-major order.
template <class Fn>
void for_each_position(const Shape& shape, Fn&& fn) {
  Dims at = Dims::filled(shape.rank(), 0);
  for (int64_t i = 0; i < numel(shape); ++i) {
    fn(at);
    for (int axis = shape.rank() - 1; axis >= 0 && ++at[axis] == shape[axis]; --axis) {
      at[axis] = 0;
    }
  }
}

/// A tensor of `shape` whose element at each position is fn(at), converted to `dtype`.
template <class Fn>
Tensor tabulate(const Shape& shape, DType dtype, Fn&& fn) {
  const Tensor y = Tensor::empty(shape, DType::f64);
  double* out = y.data<double>();
  for_each_position(shape, [&](const Dims& at) { *out++ = fn(at); });
  return y.to(dtype);
}

}  // namespace lv::ops
