#include <cmath>

#include "autograd/basic_ops.h"
#include "ops/elementwise.h"
#include "ops/reduce_definitions.h"

// Reductions in two passes over x. What the second pass subtracts stays in wide precision.

namespace lv::ops {

using autograd::cast;
using kernels::Reduction;
using kernels::ReductionGradient;

// var

namespace {

double var_divisor(const Shape& x, const VarOptions& options) {
  return std::max(0.0, double(term_count(x, options.reduction)) - options.correction);
}

}  // namespace

OutputSpecs Var::infer(Inputs in, const Options& options) { return infer_reduction(kName, in[0], options.reduction); }

TensorList Var::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor& x = in[0];
  const ReduceOptions& reduction = options.reduction;
  const double count = double(term_count(x.shape(), reduction));
  const Tensor centre = wide_reduction(ctx, Reduction::sum, x, {}, reduction, 1.0 / count);
  const Tensor y = ctx.new_output();
  launch_reduction(ctx, Reduction::sum_of_squared_differences, x, centre, y, reduction,
                   1.0 / var_divisor(x.shape(), options));
  ctx.save(x);
  ctx.save(centre);
  return {y};
}

TensorList Var::backward(Context& ctx, Inputs grads, const Options& options) {
  const Tensor x = ctx.saved(0);
  const DType wide = wide_dtype(x.dtype());
  const Tensor scale = cast(grads[0], wide) * (2.0 / var_divisor(x.shape(), options));
  if (!autograd::grad_enabled()) {
    return {reduction_gradient(ctx, ReductionGradient::var, x, ctx.saved(1), scale, options.reduction)};
  }
  const Tensor values = cast(x, wide);
  const Tensor centre = autograd::apply<Mean>({values}, {options.reduction.axes, true})[0];
  return {cast((values - centre) * spread(scale, x.shape(), options.reduction), x.dtype())};
}

TensorList Var::reference(Inputs in, const Options& options) {
  return {fold_reference(in[0], options.reduction, [&](auto terms) {
    double mean = 0;
    for (const double term : terms) {
      mean += term / double(terms.size());
    }
    double total = 0;
    for (const double term : terms) {
      total += std::pow(term - mean, 2.0);
    }
    return total / var_divisor(in[0].shape(), options);
  })};
}

Tensor var(const Tensor& x, const Axes& axes, double correction, bool keepdim) {
  return autograd::apply<Var>({x}, {reduce_options("var", x, axes, keepdim), correction})[0];
}

Tensor std(const Tensor& x, const Axes& axes, double correction, bool keepdim) {
  return sqrt(var(x, axes, correction, keepdim));
}

// logsumexp

OutputSpecs LogSumExp::infer(Inputs in, const Options& options) { return infer_reduction(kName, in[0], options); }

TensorList LogSumExp::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor& x = in[0];
  const Tensor largest = wide_reduction(ctx, Reduction::max, x, {}, options);
  const Tensor total = log(wide_reduction(ctx, Reduction::sum_of_exp_differences, x, largest, options)) + largest;
  ctx.save(x);
  ctx.save(total);
  return {cast(total, x.dtype()).view(ctx.output_spec().shape)};
}

TensorList LogSumExp::backward(Context& ctx, Inputs grads, const Options& options) {
  const Tensor x = ctx.saved(0);
  const DType wide = wide_dtype(x.dtype());
  const Tensor grad = cast(grads[0], wide);
  if (!autograd::grad_enabled()) {
    return {reduction_gradient(ctx, ReductionGradient::logsumexp, x, ctx.saved(1), grad, options)};
  }
  const Tensor values = cast(x, wide);
  Tensor total = autograd::apply<LogSumExp>({values}, {options.axes, true})[0];
  // An infinite total is one term's: inf - inf would hide it.
  total = masked_fill(total, eq(abs(total), INFINITY), 0.0);
  return {cast(exp(values - total) * spread(grad, x.shape(), options), x.dtype())};
}

TensorList LogSumExp::reference(Inputs in, const Options& options) {
  return {fold_reference(in[0], options, [](auto terms) {
    double total = 0;
    for (const double term : terms) {
      total += std::exp(term);
    }
    return std::log(total);
  })};
}

Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdim) {
  return autograd::apply<LogSumExp>({x}, reduce_options("logsumexp", x, axes, keepdim))[0];
}

// norm

OutputSpecs Norm::infer(Inputs in, const Options& options) { return infer_reduction(kName, in[0], options); }

TensorList Norm::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor total = wide_reduction(ctx, Reduction::sum_of_squares, in[0], {}, options);
  const Tensor y = cast(sqrt(total), in[0].dtype()).view(ctx.output_spec().shape);
  ctx.save(in[0]);
  ctx.save_output(y);
  return {y};
}

TensorList Norm::backward(Context& ctx, Inputs grads, const Options& options) {
  const Tensor x = ctx.saved(0);
  const Tensor y = ctx.saved(1);
  return {x * spread(masked_fill(grads[0] / y, eq(y, 0.0), 0.0), x.shape(), options)};
}

TensorList Norm::reference(Inputs in, const Options& options) {
  return {fold_reference(in[0], options, [](auto terms) {
    double total = 0;
    for (const double term : terms) {
      total = std::hypot(total, term);
    }
    return total;
  })};
}

Tensor norm(const Tensor& x, const Axes& axes, bool keepdim) {
  return autograd::apply<Norm>({x}, reduce_options("norm", x, axes, keepdim))[0];
}

}  // namespace lv::ops
