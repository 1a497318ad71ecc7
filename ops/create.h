#pragma once

#include "core/tensor.h"

namespace lv::ops {

/// begin, begin + step, ... before end: [ceil((end - begin) / step)]. Element i is begin + i * step, computed in
/// float64. Throws Error unless step leads from begin to end.
Tensor arange(double begin, double end, double step = 1, DType dtype = DType::f32, Device device = Device::cpu());

/// `count` numbers from `first` to `last`, both included, equally far apart; computed in float64. Throws Error for
/// count < 0.
Tensor linspace(double first, double last, int64_t count, DType dtype = DType::f32, Device device = Device::cpu());

/// Tensors of x's shape, dtype and device, row-major, without history.
inline Tensor zeros_like(const Tensor& x) { return Tensor::zeros(x.shape(), x.dtype(), x.device()); }
inline Tensor full_like(const Tensor& x, double value) { return Tensor::full(x.shape(), value, x.dtype(), x.device()); }
inline Tensor ones_like(const Tensor& x) { return full_like(x, 1.0); }

}  // namespace lv::ops
