#include "autograd/basic_ops.h"
#include "core/parallel.h"
#include "ops/elementwise.h"
#include "ops/pair_loss_definitions.h"
#include "ops/reduce.h"

namespace lv::ops::detail {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using autograd::unpack;
using kernels::PairLoss;

namespace {

double scale_of(Reduction reduction, const Shape& shape) {
  return reduction == Reduction::mean ? 1.0 / double(numel(shape)) : 1.0;
}

/// log(t), and 0 in place of the logarithm of 0, so that neither value nor gradient multiplies infinity by zero.
Tensor log_or_zero(const Tensor& t) { return log(where(ne(t, 0.0), t, 1.0)); }

/// The sign of `d` times `size`.
Tensor with_sign_of(const Tensor& d, const Tensor& size) {
  return where(gt(d, 0.0), size, where(lt(d, 0.0), -size, 0.0));
}

/// grad times the derivative by d = x - t, of the losses that depend on it alone.
Tensor distance_gradient(PairLoss loss, const Tensor& grad, const Tensor& d, double parameter) {
  switch (loss) {
    case PairLoss::squared:
      return grad * d * 2.0;
    case PairLoss::smooth:
      return where(lt(abs(d), parameter), grad * d / parameter, with_sign_of(d, grad));
    default:
      return with_sign_of(d, grad);
  }
}

struct Gradients {
  Tensor by_input;
  Tensor by_target;
};

/// What pair_loss_grad computes, in differentiable ops.
Gradients gradient_formula(PairLoss loss, const Tensor& grad, const Tensor& x, const Tensor& t, double parameter) {
  switch (loss) {
    case PairLoss::binary:
      return {grad * (sigmoid(x) - t), -grad * x};
    case PairLoss::divergence:
      return {-grad * t, where(ne(t, 0.0), grad * (log_or_zero(t) - x + 1.0), 0.0)};
    case PairLoss::log_divergence:
      return {-grad * exp(t), grad * exp(t) * (t - x + 1.0)};
    default:
      break;
  }
  const Tensor by_distance = distance_gradient(loss, grad, x - t, parameter);
  return {by_distance, -by_distance};
}

Tensor loss_formula(PairLoss loss, const Tensor& x, const Tensor& t, double parameter) {
  switch (loss) {
    case PairLoss::squared:
      return square(x - t);
    case PairLoss::absolute:
      return abs(x - t);
    case PairLoss::smooth: {
      const Tensor d = abs(x - t);
      return where(lt(d, parameter), square(d) * (0.5 / parameter), d - 0.5 * parameter);
    }
    case PairLoss::binary:
      return (1.0 - t) * x + softplus(-x);
    case PairLoss::divergence:
      return where(ne(t, 0.0), t * (log_or_zero(t) - x), 0.0);
    case PairLoss::log_divergence:
      break;
  }
  return exp(t) * (t - x);
}

}  // namespace

OutputSpecs infer_pair_loss(std::string_view op, Inputs in, const PairLossOptions& options) {
  const auto& [x, t] = unpack<2>(in);
  LV_CHECK_DTYPE(is_floating(x.dtype()), "{}: the input must be floating, got {}", op, x.dtype());
  LV_CHECK_DTYPE(x.dtype() == t.dtype(), "{}: dtypes differ: input {}, target {}, cast one of them", op, x.dtype(),
                 t.dtype());
  LV_CHECK_SHAPE(x.shape() == t.shape(), "{}: input and target must have one shape, got {} and {}", op, x.shape(),
                 t.shape());
  LV_CHECK(options.parameter > 0, "{}: beta must be positive, got {}", op, options.parameter);
  return {{options.reduction == Reduction::none ? x.shape() : Shape{}, x.dtype()}};
}

TensorList run_pair_loss(PairLoss loss, Context& ctx, Inputs in, const PairLossOptions& options) {
  const Tensor x = ctx.dense(in[0]);
  const Tensor t = ctx.dense(in[1]);
  const Tensor y = ctx.new_output();
  const bool is_reduced = options.reduction != Reduction::none;
  const int64_t chunks = is_reduced ? chunk_count(x.numel(), kernels::kLossChunk) : 0;
  const Tensor partials = ctx.new_empty({chunks}, DType::f64);
  kernels::pair_loss({.loss = loss,
                      .parameter = options.parameter,
                      .scale = scale_of(options.reduction, x.shape()),
                      .x = kernels::cref(x),
                      .t = kernels::cref(t),
                      .y = kernels::ref(is_reduced ? Tensor() : y),
                      .total = kernels::ref(is_reduced ? y : Tensor()),
                      .partials = kernels::ref(partials)},
                     ctx.stream());
  ctx.save(in[0]);
  ctx.save(in[1]);
  return {y};
}

TensorList differentiate_pair_loss(PairLoss loss, Context& ctx, Inputs grads, const PairLossOptions& options) {
  const double scale = scale_of(options.reduction, ctx.input_shape(0));
  if (autograd::grad_enabled()) {
    const Gradients formula = gradient_formula(loss, grads[0] * scale, ctx.saved(0), ctx.saved(1), options.parameter);
    return {ctx.needs_grad(0) ? formula.by_input : Tensor(), ctx.needs_grad(1) ? formula.by_target : Tensor()};
  }
  const Tensor x = ctx.dense(ctx.saved(0));
  const Tensor t = ctx.dense(ctx.saved(1));
  const Tensor grad = ctx.dense(grads[0]);
  TensorList result{ctx.needs_grad(0) ? ctx.new_grad(0) : Tensor(), ctx.needs_grad(1) ? ctx.new_grad(1) : Tensor()};
  kernels::pair_loss_grad({.loss = loss,
                           .parameter = options.parameter,
                           .scale = scale,
                           .x = kernels::cref(x),
                           .t = kernels::cref(t),
                           .grad = kernels::cref(grad),
                           .is_common_grad = options.reduction != Reduction::none,
                           .dx = kernels::ref(result[0]),
                           .dt = kernels::ref(result[1])},
                          ctx.stream());
  return result;
}

TensorList pair_loss_reference(PairLoss loss, Inputs in, const PairLossOptions& options) {
  const Tensor losses = loss_formula(loss, in[0], in[1], options.parameter);
  switch (options.reduction) {
    case Reduction::mean:
      return {mean(losses)};
    case Reduction::sum:
      return {sum(losses)};
    case Reduction::none:
      break;
  }
  return {losses};
}

}  // namespace lv::ops::detail
