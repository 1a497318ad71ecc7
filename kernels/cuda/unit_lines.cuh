#pragma once

#include "kernels/scalar.h"
#include "kernels/simt/reduce.cuh"
#include "kernels/unit_lines.cell.h"

namespace lv::kernels::cuda {

inline constexpr int kWarpsOfLines = 4;

// One warp per line of a row-major [outer, n, inner]; lane t owns elements t, t + 32, ... of the line. Coalesced where
// the axis is the last one. Warps past the last line keep to the shuffles without touching memory.
struct DeviceLines {
  int64_t n;
  int64_t inner;
  int64_t count;  // outer * inner

  LV_DEVICE int64_t line() const { return int64_t(blockIdx.x) * kWarpsOfLines + threadIdx.y; }
  LV_DEVICE bool has_line() const { return line() < count; }
  /// Calls fn(offset) for the lane's elements.
  template <class Fn>
  LV_DEVICE void for_each(Fn fn) const {
    if (has_line()) {
      const int64_t base = line() / inner * n * inner + line() % inner;
      for (int64_t k = threadIdx.x; k < n; k += 32) {
        fn(base + k * inner);
      }
    }
  }
};

struct DeviceSelect {
  template <class A>
  LV_HOSTDEV A operator()(bool condition, A a, A b) const {
    return condition ? a : b;
  }
};

template <class T>
__global__ void unit_lines_kernel(const T* x, const ComputeType<T>* gain, ComputeType<T> eps, T* y,
                                  ComputeType<T>* norm, DeviceLines lines) {
  using A = ComputeType<T>;
  A sum = 0;
  lines.for_each([&](int64_t at) { sum += widen(x[at]) * widen(x[at]); });
  const A length = std::sqrt(simt::warp_sum(sum));
  const A factor = lines.has_line() && gain != nullptr ? gain[lines.line()] : A(1);
  const A scale = factor / (length > eps ? length : eps);
  lines.for_each([&](int64_t at) { y[at] = convert<T>(widen(x[at]) * scale); });
  if (threadIdx.x == 0 && lines.has_line()) {
    norm[lines.line()] = length;
  }
}

template <class T>
__global__ void unit_lines_grad_kernel(const T* grad_y, const T* x, const ComputeType<T>* gain,
                                       const ComputeType<T>* norm, ComputeType<T> eps, T* grad_x,
                                       ComputeType<T>* grad_gain, DeviceLines lines) {
  using A = ComputeType<T>;
  A sum = 0;
  lines.for_each([&](int64_t at) { sum += widen(x[at]) * widen(grad_y[at]); });
  const A dot = simt::warp_sum(sum);
  if (lines.has_line()) {
    const A factor = gain != nullptr ? gain[lines.line()] : A(1);
    const auto slopes = unit_line_slopes(dot, norm[lines.line()], factor, eps, DeviceSelect{});
    if (grad_x != nullptr) {
      lines.for_each([&](int64_t at) {
        grad_x[at] = convert<T>(fma(widen(x[at]), slopes.slope, widen(grad_y[at]) * slopes.scale));
      });
    }
    if (threadIdx.x == 0 && grad_gain != nullptr) {
      grad_gain[lines.line()] = slopes.grad_gain;
    }
  }
}

template <class T>
__global__ void cosine_kernel(const T* a, const T* b, ComputeType<T> eps, T* y, ComputeType<T>* factors,
                              DeviceLines lines) {
  using A = ComputeType<T>;
  A dot = 0;
  A square_a = 0;
  A square_b = 0;
  lines.for_each([&](int64_t at) {
    dot += widen(a[at]) * widen(b[at]);
    square_a += widen(a[at]) * widen(a[at]);
    square_b += widen(b[at]) * widen(b[at]);
  });
  dot = simt::warp_sum(dot);
  const A length_a = std::sqrt(simt::warp_sum(square_a));
  const A length_b = std::sqrt(simt::warp_sum(square_b));
  if (threadIdx.x == 0 && lines.has_line()) {
    const A norm_a = length_a > eps ? length_a : eps;
    const A norm_b = length_b > eps ? length_b : eps;
    const A value = dot / (norm_a * norm_b);
    factors[lines.line()] = value;
    factors[lines.count + lines.line()] = norm_a;
    factors[2 * lines.count + lines.line()] = norm_b;
    y[lines.line()] = convert<T>(value);
  }
}

template <class T>
__global__ void cosine_grad_kernel(const T* grad_y, const T* own, const T* other, const ComputeType<T>* value,
                                   const ComputeType<T>* own_norm, const ComputeType<T>* other_norm, ComputeType<T> eps,
                                   T* grad, DeviceLines lines) {
  using A = ComputeType<T>;
  if (lines.has_line()) {
    const int64_t line = lines.line();
    const auto slopes = cosine_slopes(value[line], own_norm[line], other_norm[line], eps, DeviceSelect{});
    const A g = widen(grad_y[line]);
    lines.for_each([&](int64_t at) {
      grad[at] = convert<T>(g * (widen(other[at]) * slopes.cross - widen(own[at]) * slopes.own));
    });
  }
}

}  // namespace lv::kernels::cuda
