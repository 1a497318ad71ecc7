#include "ops/reduce.h"

#include "autograd/basic_ops.h"
#include "kernels/reduce.h"
#include "ops/elementwise.h"
#include "ops/reduce_definitions.h"

namespace lv::ops {

namespace {

bool is_reduced(const ReduceOptions& options, int axis) { return (options.axes >> axis & 1U) != 0; }

Shape reduced_shape(const Shape& x, const ReduceOptions& options) {
  if (options.keepdim) {
    return kept_shape(x, options);
  }
  Shape shape;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (!is_reduced(options, axis)) {
      shape.push_back(x[axis]);
    }
  }
  return shape;
}

ReduceOptions options_of(std::string_view op, const Tensor& x, const Axes& axes, bool keepdim) {
  ReduceOptions options{.axes = axes.empty() ? ~0U : 0U, .keepdim = keepdim};
  for (const int axis : axes) {
    const unsigned bit = 1U << normalize_axis(axis, x.rank(), op);
    LV_CHECK_SHAPE((options.axes & bit) == 0, "{}: axis {} of {} is named twice", op, axis, x.shape());
    options.axes |= bit;
  }
  return options;
}

OutputSpecs infer_reduction(std::string_view op, Inputs in, const ReduceOptions& options) {
  LV_CHECK_DTYPE(is_floating(in[0].dtype()), "{}: x must be floating, got {} {}", op, in[0].dtype(), in[0].shape());
  return {{reduced_shape(in[0].shape(), options), in[0].dtype()}};
}

}  // namespace

Shape kept_shape(const Shape& x, const ReduceOptions& options) {
  Shape shape = x;
  for (int axis = 0; axis < x.rank(); ++axis) {
    shape[axis] = is_reduced(options, axis) ? 1 : x[axis];
  }
  return shape;
}

// spread

OutputSpecs Spread::infer(Inputs in, const Options& options) {
  const Shape wanted = reduced_shape(options.shape, options.reduction);
  LV_CHECK_SHAPE(in[0].shape() == wanted, "spread: x must be {} to fill {}, got {}", wanted, options.shape,
                 in[0].shape());
  return {{options.shape, in[0].dtype()}};
}

TensorList Spread::forward(Context&, Inputs in, const Options& options) {
  return {in[0].view(kept_shape(options.shape, options.reduction)).expand(options.shape)};
}

TensorList Spread::backward(Context&, Inputs grads, const Options& options) {
  return {autograd::apply<Sum>({grads[0]}, options.reduction)[0]};
}

TensorList Spread::reference(Inputs in, const Options& options) {
  const Tensor kept = in[0].contiguous().view(kept_shape(options.shape, options.reduction));
  const Tensor y = Tensor::zeros(options.shape, in[0].dtype());
  y.copy_from(kept.expand(options.shape));
  return {y};
}

Tensor spread(const Tensor& y, const Shape& shape, const ReduceOptions& options) {
  return autograd::apply<Spread>({y}, {options, shape})[0];
}

// sum

OutputSpecs Sum::infer(Inputs in, const Options& options) { return infer_reduction(kName, in, options); }

TensorList Sum::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor y = ctx.new_output();
  const Tensor kept = y.view(kept_shape(in[0].shape(), options));
  kernels::reduce_sum({.x = kernels::cref(in[0]), .y = kernels::ref(kept)}, ctx.stream());
  return {y};
}

TensorList Sum::backward(Context& ctx, Inputs grads, const Options& options) {
  return {spread(grads[0], ctx.input_shape(0), options)};
}

TensorList Sum::reference(Inputs in, const Options& options) {
  const Tensor x = in[0].to(DType::f64).contiguous();
  const Tensor y = Tensor::zeros(reduced_shape(x.shape(), options), DType::f64);
  const Tensor places = y.view(kept_shape(x.shape(), options)).expand(x.shape());
  for (int64_t i = 0; i < x.numel(); ++i) {
    int64_t rest = i;
    int64_t at = 0;
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      at += rest % x.size(axis) * places.strides()[axis];
      rest /= x.size(axis);
    }
    y.data<double>()[at] += x.data<double>()[i];
  }
  return {y.to(in[0].dtype())};
}

Tensor sum(const Tensor& x, const Axes& axes, bool keepdim) {
  return autograd::apply<Sum>({x}, options_of("sum", x, axes, keepdim))[0];
}

Tensor mean(const Tensor& x, const Axes& axes, bool keepdim) {
  const Tensor total = sum(x, axes, keepdim);
  return total / (double(x.numel()) / double(total.numel()));
}

}  // namespace lv::ops
