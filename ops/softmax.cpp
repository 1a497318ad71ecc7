#include "ops/softmax.h"

#include <cmath>

#include "autograd/basic_ops.h"
#include "kernels/softmax.h"
#include "ops/elementwise.h"
#include "ops/norm_support.h"
#include "ops/softmax_definitions.h"
#include "ops/tabulate.h"

namespace lv::ops {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using kernels::cref;
using kernels::ref;

namespace {

int axis_of(const Tensor& x, int axis) { return axis < 0 ? axis + x.rank() : axis; }

OutputSpecs infer_softmax(std::string_view op, const Tensor& x, int axis) {
  LV_CHECK_DTYPE(is_floating(x.dtype()), "{}: x must be of a floating dtype, got {}", op, x.dtype());
  const int index = axis_of(x, axis);
  LV_CHECK_SHAPE(index >= 0 && index < x.rank(), "{}: axis must be in [{}, {}), got {} (x {})", op, -x.rank(), x.rank(),
                 axis, x.shape());
  return {{x.shape(), x.dtype()}};
}

/// `x` as the kernels take it: rows along the last axis, [outer, n, inner] along any other.
Tensor as_slices(const Context& ctx, const Tensor& x, int axis) {
  const int index = axis_of(x, axis);
  if (index == x.rank() - 1) {
    return as_rows(ctx, x);
  }
  Shape sides{1, x.size(index), 1};
  for (int i = 0; i < x.rank(); ++i) {
    if (i != index) {
      sides[i < index ? 0 : 2] *= x.size(i);
    }
  }
  return ctx.dense(x).view(sides);
}

TensorList run_forward(Context& ctx, const Tensor& x, int axis, bool is_log) {
  const Tensor y = ctx.new_output();
  const Tensor slices = as_slices(ctx, x, axis);
  kernels::softmax({.x = cref(slices), .y = ref(y.view(slices.shape())), .is_log = is_log}, ctx.stream());
  ctx.save_output(y);
  return {y};
}

/// The gradient in differentiable ops, from the output alone.
Tensor gradient_formula(const Tensor& grad_y, const Tensor& y, int axis, bool is_log) {
  Shape reduced = y.shape();
  reduced[axis_of(y, axis)] = 1;
  if (is_log) {
    return grad_y - exp(y) * autograd::sum_to(grad_y, reduced);
  }
  return y * (grad_y - autograd::sum_to(grad_y * y, reduced));
}

TensorList run_backward(Context& ctx, const Tensor& grad_y, int axis, bool is_log) {
  if (autograd::grad_enabled()) {
    return {gradient_formula(grad_y, ctx.saved(0), axis, is_log)};
  }
  const Tensor y = as_slices(ctx, ctx.saved(0), axis);
  const Tensor grad_x = ctx.new_grad(0);
  kernels::softmax_grad({.grad_y = cref(as_slices(ctx, grad_y, axis)),
                         .y = cref(y),
                         .grad_x = ref(grad_x.view(y.shape())),
                         .is_log = is_log},
                        ctx.stream());
  return {grad_x};
}

/// The definition, read off in float64.
TensorList run_reference(const Tensor& x, int axis, bool is_log) {
  const Tensor values = on_host_f64(x);
  const int along = axis_of(x, axis);
  return {tabulate(x.shape(), x.dtype(), [&](Dims at) {
    const double own = element(values, at);
    double sum = 0;
    for (at[along] = 0; at[along] < x.size(along); ++at[along]) {
      sum += std::exp(element(values, at) - own);
    }
    return is_log ? -std::log(sum) : 1 / sum;
  })};
}

}  // namespace

OutputSpecs Softmax::infer(Inputs in, const Options& options) { return infer_softmax(kName, in[0], options.axis); }

TensorList Softmax::forward(Context& ctx, Inputs in, const Options& options) {
  return run_forward(ctx, in[0], options.axis, /*is_log=*/false);
}

TensorList Softmax::backward(Context& ctx, Inputs grads, const Options& options) {
  return run_backward(ctx, grads[0], options.axis, /*is_log=*/false);
}

TensorList Softmax::reference(Inputs in, const Options& options) {
  return run_reference(in[0], options.axis, /*is_log=*/false);
}

OutputSpecs LogSoftmax::infer(Inputs in, const Options& options) { return infer_softmax(kName, in[0], options.axis); }

TensorList LogSoftmax::forward(Context& ctx, Inputs in, const Options& options) {
  return run_forward(ctx, in[0], options.axis, /*is_log=*/true);
}

TensorList LogSoftmax::backward(Context& ctx, Inputs grads, const Options& options) {
  return run_backward(ctx, grads[0], options.axis, /*is_log=*/true);
}

TensorList LogSoftmax::reference(Inputs in, const Options& options) {
  return run_reference(in[0], options.axis, /*is_log=*/true);
}

Tensor softmax(const Tensor& x, int axis) { return autograd::apply<Softmax>({x}, {axis})[0]; }

Tensor log_softmax(const Tensor& x, int axis) { return autograd::apply<LogSoftmax>({x}, {axis})[0]; }

}  // namespace lv::ops
