#include <cmath>

#include "ops/elementwise.h"
#include "ops/elementwise_definitions.h"

// The second and third writing of each function of one argument, independent of the kernels: the function itself in
// float64 by the C library, and its gradient in differentiable ops.

namespace lv::ops::detail {

using kernels::UnaryFunction;

namespace {

constexpr double kPi = 3.14159265358979323846;

double normal_distribution(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

double plain_value(UnaryFunction function, double x, const UnaryOptions& p) {
  switch (function) {
    case UnaryFunction::affine:
      return p.a * x + p.b;
    case UnaryFunction::divide_by:
      return x / p.a;
    case UnaryFunction::divide_into:
      return p.a / x;
    case UnaryFunction::square:
      return std::pow(x, 2.0);
    case UnaryFunction::sqrt:
      return std::sqrt(x);
    case UnaryFunction::rsqrt:
      return std::pow(x, -0.5);
    case UnaryFunction::pow_scalar:
      return std::pow(x, p.a);
    case UnaryFunction::exp:
      return std::exp(x);
    case UnaryFunction::expm1:
      return std::expm1(x);
    case UnaryFunction::log:
      return std::log(x);
    case UnaryFunction::log1p:
      return std::log1p(x);
    case UnaryFunction::erf:
      return std::erf(x);
    case UnaryFunction::sin:
      return std::sin(x);
    case UnaryFunction::cos:
      return std::cos(x);
    case UnaryFunction::abs:
      return std::abs(x);
    case UnaryFunction::round:
      return std::nearbyint(x);
    case UnaryFunction::floor:
      return std::floor(x);
    case UnaryFunction::clamp:
      return std::clamp(x, p.a, p.b);
    case UnaryFunction::relu:
      return x < 0.0 ? 0.0 : x;
    case UnaryFunction::leaky_relu:
      return x < 0.0 ? p.a * x : x;
    case UnaryFunction::sigmoid:
      return 1.0 / (1.0 + std::exp(-x));
    case UnaryFunction::tanh:
      return std::tanh(x);
    case UnaryFunction::silu:
      return x / (1.0 + std::exp(-x));
    case UnaryFunction::gelu:
      return x * normal_distribution(x);
    case UnaryFunction::gelu_tanh:
      return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / kPi) * (x + 0.044715 * std::pow(x, 3.0))));
    case UnaryFunction::hardswish:
      return x * std::clamp(x + 3.0, 0.0, 6.0) / 6.0;
    case UnaryFunction::softplus:
      return std::log(1.0 + std::exp(p.a * x)) / p.a;
  }
  fail("unary_reference: unknown function {}", int(function));
}

/// The gradient of x distribution(x), where `slope` is the derivative of the distribution.
Tensor gated_gradient(const Tensor& grad, const Tensor& x, const Tensor& distribution, const Tensor& slope) {
  return grad * (distribution + x * slope);
}

Tensor gelu_gradient(const Tensor& grad, const Tensor& x) {
  const Tensor distribution = erf(x / std::sqrt(2.0)) * 0.5 + 0.5;
  return gated_gradient(grad, x, distribution, exp(square(x) * -0.5) / std::sqrt(2.0 * kPi));
}

Tensor gelu_tanh_gradient(const Tensor& grad, const Tensor& x) {
  const double scale = std::sqrt(2.0 / kPi);
  const Tensor t = tanh((x + pow(x, 3.0) * 0.044715) * scale);
  const Tensor slope = (1.0 - square(t)) * (square(x) * (3 * 0.044715) + 1.0) * (0.5 * scale);
  return gated_gradient(grad, x, t * 0.5 + 0.5, slope);
}

Tensor silu_gradient(const Tensor& grad, const Tensor& x) {
  const Tensor s = sigmoid(x);
  return gated_gradient(grad, x, s, s * (1.0 - s));
}

}  // namespace

TensorList unary_reference(UnaryFunction function, Inputs in, const UnaryOptions& options) {
  const Tensor x = in[0].to(DType::f64).contiguous();
  const Tensor y = Tensor::empty(x.shape(), DType::f64);
  std::transform(x.data<double>(), x.data<double>() + x.numel(), y.data<double>(),
                 [&](double value) { return plain_value(function, value, options); });
  return {y.to(in[0].dtype())};
}

Tensor unary_gradient_formula(UnaryFunction function, const Tensor& grad, const Tensor& saved, const UnaryOptions& p) {
  const Tensor& x = saved;  // by what the function saves, one
  const Tensor& y = saved;  // or the other
  switch (function) {
    case UnaryFunction::affine:
      return grad * p.a;
    case UnaryFunction::divide_by:
      return grad / p.a;
    case UnaryFunction::divide_into:
      return grad / square(x) * -p.a;
    case UnaryFunction::square:
      return grad * x * 2.0;
    case UnaryFunction::sqrt:
      return grad / y * 0.5;
    case UnaryFunction::rsqrt:
      return grad * pow(y, 3.0) * -0.5;
    case UnaryFunction::pow_scalar:
      return p.a == 0.0 ? grad * 0.0 : grad * pow(x, p.a - 1.0) * p.a;
    case UnaryFunction::exp:
      return grad * y;
    case UnaryFunction::expm1:
      return grad * (y + 1.0);
    case UnaryFunction::log:
      return grad / x;
    case UnaryFunction::log1p:
      return grad / (x + 1.0);
    case UnaryFunction::erf:
      return grad * exp(-square(x)) * (2.0 / std::sqrt(kPi));
    case UnaryFunction::sin:
      return grad * cos(x);
    case UnaryFunction::cos:
      return -grad * sin(x);
    case UnaryFunction::abs:
      return where(gt(x, 0.0), grad, where(lt(x, 0.0), -grad, grad * x));
    case UnaryFunction::round:
    case UnaryFunction::floor:
      return grad * 0.0;
    case UnaryFunction::clamp:
      return masked_fill(grad, logical_or(lt(x, p.a), gt(x, p.b)), 0.0);
    case UnaryFunction::relu:
      return where(gt(y, 0.0), grad, 0.0);
    case UnaryFunction::leaky_relu:
      return where(gt(x, 0.0), grad, grad * p.a);
    case UnaryFunction::sigmoid:
      return grad * (y * (1.0 - y));
    case UnaryFunction::tanh:
      return grad * (1.0 - square(y));
    case UnaryFunction::silu:
      return silu_gradient(grad, x);
    case UnaryFunction::gelu:
      return gelu_gradient(grad, x);
    case UnaryFunction::gelu_tanh:
      return gelu_tanh_gradient(grad, x);
    case UnaryFunction::hardswish:
      return where(ge(x, 3.0), grad, where(gt(x, -3.0), grad * (x / 3.0 + 0.5), 0.0));
    case UnaryFunction::softplus:
      return grad * sigmoid(x * p.a);
  }
  fail("unary_gradient_formula: unknown function {}", int(function));
}

}  // namespace lv::ops::detail
