#include <limits>

#include "kernels/unit_lines.h"
#include "ops/elementwise.h"
#include "ops/norm_definitions.h"
#include "ops/norm_support.h"
#include "ops/reduce.h"

namespace lv::ops {

using autograd::cast;
using autograd::unpack;
using kernels::cref;
using kernels::ref;

// l2_normalize

OutputSpecs L2Normalize::infer(Inputs in, const Options& options) {
  LV_CHECK_DTYPE(is_floating(in[0].dtype()), "l2_normalize: x must be of a floating dtype, got {}", in[0].dtype());
  normalize_axis(options.axis, in[0].rank(), kName);
  return {{in[0].shape(), in[0].dtype()}};
}

TensorList L2Normalize::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor x = as_lines(ctx, in[0], options.axis);
  const Tensor y = ctx.new_output();
  const Tensor norm = ctx.new_empty({x.size(0), x.size(2)}, statistics_dtype(x.dtype()));
  kernels::unit_lines({.x = cref(x), .gain = {}, .eps = options.eps, .y = ref(y.view(x.shape())), .norm = ref(norm)},
                      ctx.stream());
  ctx.save(in[0]);
  ctx.save(norm);
  return {y};
}

TensorList L2Normalize::backward(Context& ctx, Inputs grads, const Options& options) {
  const Tensor x = as_lines(ctx, ctx.saved(0), options.axis);
  const Tensor grad_x = ctx.new_grad(0);
  kernels::unit_lines_grad({.grad_y = cref(as_lines(ctx, grads[0], options.axis)),
                            .x = cref(x),
                            .gain = {},
                            .norm = cref(ctx.saved(1)),
                            .eps = options.eps,
                            .grad_x = ref(grad_x.view(x.shape())),
                            .grad_gain = {}},
                           ctx.stream());
  return {grad_x};
}

TensorList L2Normalize::reference(Inputs in, const Options& options) {
  const Tensor x = cast(in[0], statistics_dtype(in[0].dtype()));
  const Tensor length = clamp(norm(x, {options.axis}, true), options.eps, std::numeric_limits<double>::infinity());
  return {cast(x / length, in[0].dtype())};
}

Tensor l2_normalize(const Tensor& x, int axis, double eps) {
  return autograd::apply<L2Normalize>({x}, {.axis = axis, .eps = eps})[0];
}

// weight_norm

OutputSpecs WeightNorm::infer(Inputs in, const Options&) {
  const auto& [v, g] = unpack<2>(in);
  LV_CHECK_DTYPE(is_floating(v.dtype()), "weight_norm: v must be of a floating dtype, got {}", v.dtype());
  LV_CHECK_SHAPE(v.rank() >= 1, "weight_norm: v must be [out, ...], got {}", v.shape());
  Shape wanted = Shape::filled(v.rank(), 1);
  wanted[0] = v.size(0);
  check_parameter(kName, "g", g, v, wanted);
  return {{v.shape(), v.dtype()}};
}

namespace {

Tensor as_matrix(const Context& ctx, const Tensor& v) {
  const int64_t rows = v.size(0);
  return ctx.dense(v).view({rows, rows > 0 ? v.numel() / rows : 0, 1});
}

}  // namespace

TensorList WeightNorm::forward(Context& ctx, Inputs in, const Options&) {
  const Tensor v = as_matrix(ctx, in[0]);
  const DType dtype = statistics_dtype(v.dtype());
  const Tensor g = parameter_as(ctx, in[1], dtype);
  const Tensor y = ctx.new_output();
  const Tensor norm = ctx.new_empty({v.size(0)}, dtype);
  kernels::unit_lines({.x = cref(v), .gain = cref(g), .y = ref(y.view(v.shape())), .norm = ref(norm)}, ctx.stream());
  ctx.save(in[0]);
  ctx.save(g);
  ctx.save(norm);
  return {y};
}

TensorList WeightNorm::backward(Context& ctx, Inputs grads, const Options&) {
  const Tensor v = as_matrix(ctx, ctx.saved(0));
  const Tensor g = ctx.saved(1);
  const Tensor grad_v = ctx.needs_grad(0) ? ctx.new_grad(0) : Tensor();
  const Tensor grad_g = ctx.needs_grad(1) ? ctx.new_empty(g.shape(), g.dtype()) : Tensor();
  kernels::unit_lines_grad({.grad_y = cref(as_matrix(ctx, grads[0])),
                            .x = cref(v),
                            .gain = cref(g),
                            .norm = cref(ctx.saved(2)),
                            .grad_x = ref(grad_v.defined() ? grad_v.view(v.shape()) : Tensor()),
                            .grad_gain = ref(grad_g)},
                           ctx.stream());
  return {grad_v, grad_g.defined() ? cast(grad_g, ctx.input_dtype(1)) : Tensor()};
}

TensorList WeightNorm::reference(Inputs in, const Options&) {
  const DType dtype = statistics_dtype(in[0].dtype());
  const Tensor v = cast(in[0], dtype);
  Axes axes;
  for (int axis = 1; axis < v.rank(); ++axis) {
    axes.push_back(axis);
  }
  const Tensor length = v.rank() > 1 ? norm(v, axes, true) : abs(v);
  return {cast(v * (cast(in[1], dtype) / length), in[0].dtype())};
}

Tensor weight_norm(const Tensor& v, const Tensor& g) { return autograd::apply<WeightNorm>({v, g})[0]; }

}  // namespace lv::ops
