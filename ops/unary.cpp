#include "ops/elementwise.h"
#include "ops/elementwise_definitions.h"

namespace lv::ops {

using kernels::UnaryFunction;

namespace detail {

namespace {

kernels::Saved saved_by(UnaryFunction function) {
  kernels::Saved saved{};
  kernels::visit_function(function, [&]<class F>() { saved = F::kSaved; });
  return saved;
}

}  // namespace

OutputSpecs infer_unary(std::string_view op, Inputs in) {
  const Tensor& x = in[0];
  LV_CHECK_DTYPE(is_floating(x.dtype()), "{}: x must be floating, got {} {}", op, x.dtype(), x.shape());
  return {{x.shape(), x.dtype()}};
}

TensorList run_unary(UnaryFunction function, Context& ctx, Inputs in, const UnaryOptions& options) {
  const Tensor y = ctx.new_output_like(in);
  kernels::unary({.function = function, .scalars = options, .x = kernels::cref(in[0]), .y = kernels::ref(y)},
                 ctx.stream());
  if (ctx.is_recorded()) {
    const kernels::Saved saved = saved_by(function);
    if (saved == kernels::Saved::input) {
      ctx.save(in[0]);
    } else if (saved == kernels::Saved::output) {
      ctx.save_output(y);
    }
  }
  return {y};
}

TensorList differentiate_unary(UnaryFunction function, Context& ctx, Inputs grads, const UnaryOptions& options) {
  const Tensor& grad = grads[0];
  const Tensor saved = saved_by(function) == kernels::Saved::nothing ? grad : ctx.saved(0);
  if (autograd::grad_enabled()) {
    return {unary_gradient_formula(function, grad, saved, options)};
  }
  const Tensor dx = saved.empty_like(saved.dtype(), saved.device());
  kernels::unary_gradient({.function = function,
                           .scalars = options,
                           .grad = kernels::cref(grad),
                           .saved = kernels::cref(saved),
                           .dx = kernels::ref(dx)},
                          ctx.stream());
  return {dx};
}

}  // namespace detail

namespace {

template <UnaryFunction kFunction>
Tensor apply_unary(const Tensor& x, UnaryOptions options = {}) {
  return autograd::apply<Unary<kFunction>>({x}, options)[0];
}

constexpr double kNothing = -0.0;  // what can be added to every number, the zeros included

Tensor affine(const Tensor& x, double factor, double term) {
  return apply_unary<UnaryFunction::affine>(x, {factor, term});
}

}  // namespace

Tensor neg(const Tensor& x) { return affine(x, -1.0, kNothing); }
Tensor abs(const Tensor& x) { return apply_unary<UnaryFunction::abs>(x); }
Tensor square(const Tensor& x) { return apply_unary<UnaryFunction::square>(x); }
Tensor sqrt(const Tensor& x) { return apply_unary<UnaryFunction::sqrt>(x); }
Tensor rsqrt(const Tensor& x) { return apply_unary<UnaryFunction::rsqrt>(x); }
Tensor reciprocal(const Tensor& x) { return apply_unary<UnaryFunction::divide_into>(x, {1.0}); }
Tensor exp(const Tensor& x) { return apply_unary<UnaryFunction::exp>(x); }
Tensor expm1(const Tensor& x) { return apply_unary<UnaryFunction::expm1>(x); }
Tensor log(const Tensor& x) { return apply_unary<UnaryFunction::log>(x); }
Tensor log1p(const Tensor& x) { return apply_unary<UnaryFunction::log1p>(x); }
Tensor erf(const Tensor& x) { return apply_unary<UnaryFunction::erf>(x); }
Tensor sin(const Tensor& x) { return apply_unary<UnaryFunction::sin>(x); }
Tensor cos(const Tensor& x) { return apply_unary<UnaryFunction::cos>(x); }
Tensor round(const Tensor& x) { return apply_unary<UnaryFunction::round>(x); }
Tensor floor(const Tensor& x) { return apply_unary<UnaryFunction::floor>(x); }
Tensor relu(const Tensor& x) { return apply_unary<UnaryFunction::relu>(x); }
Tensor leaky_relu(const Tensor& x, double slope) { return apply_unary<UnaryFunction::leaky_relu>(x, {slope}); }
Tensor sigmoid(const Tensor& x) { return apply_unary<UnaryFunction::sigmoid>(x); }
Tensor tanh(const Tensor& x) { return apply_unary<UnaryFunction::tanh>(x); }
Tensor silu(const Tensor& x) { return apply_unary<UnaryFunction::silu>(x); }
Tensor gelu(const Tensor& x) { return apply_unary<UnaryFunction::gelu>(x); }
Tensor gelu_tanh(const Tensor& x) { return apply_unary<UnaryFunction::gelu_tanh>(x); }
Tensor hardswish(const Tensor& x) { return apply_unary<UnaryFunction::hardswish>(x); }
Tensor softplus(const Tensor& x, double beta) { return apply_unary<UnaryFunction::softplus>(x, {beta}); }
Tensor log_sigmoid(const Tensor& x) { return neg(softplus(neg(x))); }

Tensor pow(const Tensor& x, double exponent) {
  // Cheaper and at least as exact, special values included.
  if (exponent == 1.0) {
    return affine(x, 1.0, kNothing);
  }
  if (exponent == 2.0) {
    return square(x);
  }
  if (exponent == -1.0) {
    return reciprocal(x);
  }
  return apply_unary<UnaryFunction::pow_scalar>(x, {exponent});
}

Tensor clamp(const Tensor& x, double low, double high) {
  LV_CHECK(low <= high, "clamp: the lower limit {} is above the upper limit {}", low, high);
  return apply_unary<UnaryFunction::clamp>(x, {low, high});
}

}  // namespace lv::ops

namespace lv {

Tensor operator-(const Tensor& x) { return ops::neg(x); }
Tensor operator+(const Tensor& x, double s) { return ops::affine(x, 1.0, s); }
Tensor operator-(const Tensor& x, double s) { return ops::affine(x, 1.0, -s); }
Tensor operator*(const Tensor& x, double s) { return ops::affine(x, s, ops::kNothing); }
Tensor operator/(const Tensor& x, double s) { return ops::apply_unary<ops::UnaryFunction::divide_by>(x, {s}); }
Tensor operator+(double s, const Tensor& x) { return x + s; }
Tensor operator-(double s, const Tensor& x) { return ops::affine(x, -1.0, s); }
Tensor operator*(double s, const Tensor& x) { return x * s; }
Tensor operator/(double s, const Tensor& x) { return ops::apply_unary<ops::UnaryFunction::divide_into>(x, {s}); }

}  // namespace lv
