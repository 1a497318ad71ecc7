#include "ops/create.h"

#include <cmath>

namespace lv::ops {

namespace {

/// value(i) for i in 0 .. count.
template <class Fn>
Tensor sequence(int64_t count, DType dtype, Device device, Fn&& value) {
  const Tensor numbers = Tensor::empty({count}, DType::f64);
  for (int64_t i = 0; i < count; ++i) {
    numbers.data<double>()[i] = value(i);
  }
  return numbers.to(dtype).to(device);
}

}  // namespace

Tensor arange(double begin, double end, double step, DType dtype, Device device) {
  const double steps = std::ceil((end - begin) / step);
  LV_CHECK(steps >= 0 && std::isfinite(steps) && step != 0, "arange: steps of {} do not lead from {} to {}", step,
           begin, end);
  return sequence(int64_t(steps), dtype, device, [&](int64_t i) { return begin + double(i) * step; });
}

Tensor linspace(double first, double last, int64_t count, DType dtype, Device device) {
  LV_CHECK(count >= 0, "linspace: count must not be negative, got {}", count);
  const double step = count > 1 ? (last - first) / double(count - 1) : 0.0;
  // Counted from the nearer end, so that both ends are exact.
  return sequence(count, dtype, device, [&](int64_t i) {
    return 2 * i < count ? first + double(i) * step : last - double(count - 1 - i) * step;
  });
}

}  // namespace lv::ops
