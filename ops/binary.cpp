#include <cmath>

#include "kernels/reduce.h"
#include "kernels/strided.h"
#include "ops/elementwise.h"
#include "ops/elementwise_definitions.h"

namespace lv::ops {

using kernels::BinaryFunction;
using kernels::TernaryFunction;

namespace detail {

namespace {

using kernels::cref;
using kernels::expanded;

Tensor launch_binary(BinaryFunction function, const Tensor& a, const Tensor& b, const Tensor& y) {
  kernels::binary({.function = function,
                   .a = expanded(cref(a), y.shape()),
                   .b = expanded(cref(b), y.shape()),
                   .y = kernels::ref(y)},
                  current_stream(y.device()));
  return y;
}

Tensor launch_ternary(TernaryFunction function, const Tensor& grad, const Tensor& a, const Tensor& b) {
  const Tensor y = grad.empty_like(grad.dtype(), grad.device());
  kernels::ternary({.function = function,
                    .a = cref(grad),
                    .b = expanded(cref(a), y.shape()),
                    .c = expanded(cref(b), y.shape()),
                    .y = kernels::ref(y)},
                   current_stream(y.device()));
  return y;
}

/// The gradient of a minimum or maximum by the argument that was chosen where `is_chosen`.
Tensor choice_gradient(const Tensor& grad, const Tensor& is_chosen, const Tensor& is_tie) {
  return where(is_chosen, grad, where(is_tie, grad * 0.5, 0.0));
}

/// What a gradient is made of: the arguments and, for powers, the result.
struct Operands {
  Tensor a, b, y;
};

/// Gradient by argument `i` in the result's shape, in differentiable ops.
Tensor gradient_formula(BinaryFunction function, int i, const Tensor& grad, const Operands& of) {
  const auto& [a, b, y] = of;
  const bool by_first = i == 0;
  switch (function) {
    case BinaryFunction::add:
      return grad;
    case BinaryFunction::sub:
      return by_first ? grad : -grad;
    case BinaryFunction::mul:
      return grad * (by_first ? b : a);
    case BinaryFunction::div:
      return by_first ? grad / b : -grad * (a / b) / b;
    case BinaryFunction::minimum:
      return choice_gradient(grad, by_first ? lt(a, b) : lt(b, a), eq(a, b));
    case BinaryFunction::maximum:
      return choice_gradient(grad, by_first ? gt(a, b) : gt(b, a), eq(a, b));
    case BinaryFunction::pow:
      if (by_first) {
        return where(eq(b, 0.0), grad * 0.0, grad * b * pow(a, b - 1.0));
      }
      return where(logical_and(eq(a, 0.0), ge(b, 0.0)), grad * 0.0, grad * pow(a, b) * log(a));
  }
  fail("binary: unknown function {}", int(function));
}

/// The same by kernels.
Tensor gradient_kernel(BinaryFunction function, int i, const Tensor& grad, const Operands& of) {
  const auto& [a, b, y] = of;
  const auto binary = [&](BinaryFunction f, const Tensor& other) {
    return launch_binary(f, grad, other, grad.empty_like(grad.dtype(), grad.device()));
  };
  const bool by_first = i == 0;
  switch (function) {
    case BinaryFunction::add:
      return grad;
    case BinaryFunction::sub:
      return by_first ? grad : neg(grad);
    case BinaryFunction::mul:
      return binary(BinaryFunction::mul, by_first ? b : a);
    case BinaryFunction::div:
      return by_first ? binary(BinaryFunction::div, b) : launch_ternary(TernaryFunction::div_gradient, grad, a, b);
    case BinaryFunction::minimum:
      return launch_ternary(TernaryFunction::minimum_gradient, grad, by_first ? a : b, by_first ? b : a);
    case BinaryFunction::maximum:
      return launch_ternary(TernaryFunction::maximum_gradient, grad, by_first ? a : b, by_first ? b : a);
    case BinaryFunction::pow:
      return by_first ? launch_ternary(TernaryFunction::base_gradient, grad, a, b)
                      : launch_ternary(TernaryFunction::exponent_gradient, grad, y, a);
  }
  fail("binary: unknown function {}", int(function));
}

/// The sum of grad * other over the axes along which `shape` was repeated, without the product in memory.
Tensor sum_product_to(const Context& ctx, const Tensor& grad, const Tensor& other, const Shape& shape) {
  const Tensor y = ctx.new_empty(shape, grad.dtype());
  Shape padded = shape;
  while (padded.rank() < grad.rank()) {
    padded.insert(0, 1);
  }
  kernels::ReduceArgs args{.reduction = kernels::Reduction::sum_of_products,
                           .x = cref(grad),
                           .other = expanded(cref(other), grad.shape()),
                           .y = kernels::ref(y.view(padded))};
  const Tensor workspace = ctx.new_empty({kernels::reduce_workspace(args)}, DType::u8);
  args.workspace = kernels::ref(workspace);
  kernels::reduce(args, ctx.stream());
  return y;
}

double plain_value(BinaryFunction function, double a, double b) {
  switch (function) {
    case BinaryFunction::add:
      return a + b;
    case BinaryFunction::sub:
      return a - b;
    case BinaryFunction::mul:
      return a * b;
    case BinaryFunction::div:
      return a / b;
    case BinaryFunction::minimum:
      return std::isnan(a) || std::isnan(b) ? NAN : std::fmin(a, b);
    case BinaryFunction::maximum:
      return std::isnan(a) || std::isnan(b) ? NAN : std::fmax(a, b);
    case BinaryFunction::pow:
      return std::pow(a, b);
  }
  fail("binary_reference: unknown function {}", int(function));
}

/// add, sub and mul need less of their arguments than both.
bool needs_argument(BinaryFunction function, const Context& ctx, int i) {
  switch (function) {
    case BinaryFunction::add:
    case BinaryFunction::sub:
      return false;
    case BinaryFunction::mul:
      return ctx.needs_grad(1 - i);
    case BinaryFunction::div:
      return i == 1 || ctx.needs_grad(1);
    default:
      return true;
  }
}

}  // namespace

OutputSpecs infer_binary(std::string_view op, Inputs in) {
  const Tensor& a = in[0];
  const Tensor& b = in[1];
  LV_CHECK_DTYPE(a.dtype() == b.dtype(), "{}: dtypes differ: {} {} and {} {}; cast one of them", op, a.dtype(),
                 a.shape(), b.dtype(), b.shape());
  LV_CHECK_DTYPE(is_floating(a.dtype()), "{}: wants floating tensors, got {} {} and {}", op, a.dtype(), a.shape(),
                 b.shape());
  return {{broadcast_shapes(a.shape(), b.shape(), op), a.dtype()}};
}

TensorList run_binary(BinaryFunction function, Context& ctx, Inputs in) {
  if (ctx.is_recorded()) {
    for (int i = 0; i < 2; ++i) {
      ctx.save(needs_argument(function, ctx, i) ? in[size_t(i)] : Tensor{});
    }
  }
  const Tensor y = launch_binary(function, in[0], in[1], ctx.new_output_like(in));
  if (function == BinaryFunction::pow && ctx.is_recorded()) {
    ctx.save_output(y);
  }
  return {y};
}

TensorList differentiate_binary(BinaryFunction function, Context& ctx, Inputs grads) {
  const Operands of{ctx.saved(0), ctx.saved(1), function == BinaryFunction::pow ? ctx.saved(2) : Tensor{}};
  const bool is_recording = autograd::grad_enabled();
  const auto gradient = is_recording ? gradient_formula : gradient_kernel;
  TensorList result(2);
  for (int i = 0; i < 2; ++i) {
    if (!ctx.needs_grad(i)) {
      continue;
    }
    const Shape& shape = ctx.input_shape(i);
    if (function == BinaryFunction::mul && !is_recording && shape != grads[0].shape()) {
      result[i] = sum_product_to(ctx, grads[0], i == 0 ? of.b : of.a, shape);
    } else {
      result[i] = autograd::sum_to(gradient(function, i, grads[0], of), shape);
    }
  }
  return result;
}

TensorList binary_reference(BinaryFunction function, Inputs in) {
  const Shape shape = broadcast_shapes(in[0].shape(), in[1].shape(), "binary_reference");
  const Tensor a = in[0].to(DType::f64).expand(shape).contiguous();
  const Tensor b = in[1].to(DType::f64).expand(shape).contiguous();
  const Tensor y = Tensor::empty(shape, DType::f64);
  std::transform(a.data<double>(), a.data<double>() + a.numel(), b.data<double>(), y.data<double>(),
                 [&](double u, double v) { return plain_value(function, u, v); });
  return {y.to(in[0].dtype())};
}

}  // namespace detail

namespace {

template <BinaryFunction kFunction>
Tensor apply_binary(const Tensor& a, const Tensor& b) {
  return autograd::apply<Binary<kFunction>>({a, b})[0];
}

}  // namespace

Tensor sub(const Tensor& a, const Tensor& b) { return apply_binary<BinaryFunction::sub>(a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return apply_binary<BinaryFunction::mul>(a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return apply_binary<BinaryFunction::div>(a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return apply_binary<BinaryFunction::minimum>(a, b); }
Tensor maximum(const Tensor& a, const Tensor& b) { return apply_binary<BinaryFunction::maximum>(a, b); }
Tensor pow(const Tensor& a, const Tensor& b) { return apply_binary<BinaryFunction::pow>(a, b); }

}  // namespace lv::ops

namespace lv {

Tensor operator+(const Tensor& a, const Tensor& b) { return ops::add(a, b); }
Tensor operator-(const Tensor& a, const Tensor& b) { return ops::sub(a, b); }
Tensor operator*(const Tensor& a, const Tensor& b) { return ops::mul(a, b); }
Tensor operator/(const Tensor& a, const Tensor& b) { return ops::div(a, b); }

}  // namespace lv
