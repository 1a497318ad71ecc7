#include "ops/reduce.h"

#include <cmath>
#include <numeric>

#include "autograd/basic_ops.h"
#include "kernels/strided.h"
#include "ops/elementwise.h"
#include "ops/reduce_definitions.h"

namespace lv::ops {

using kernels::Reduction;

namespace {

bool is_reduced(const ReduceOptions& options, int axis) { return (options.axes >> axis & 1U) != 0; }

}  // namespace

ReduceOptions reduce_options(std::string_view op, const Tensor& x, const Axes& axes, bool keepdim) {
  ReduceOptions options{.axes = axes.empty() ? ~0U : 0U, .keepdim = keepdim};
  for (const int axis : axes) {
    const unsigned bit = 1U << normalize_axis(axis, x.rank(), op);
    LV_CHECK_SHAPE((options.axes & bit) == 0, "{}: axis {} of {} is named twice", op, axis, x.shape());
    options.axes |= bit;
  }
  return options;
}

Shape kept_shape(const Shape& x, const ReduceOptions& options) {
  Shape shape = x;
  for (int axis = 0; axis < x.rank(); ++axis) {
    shape[axis] = is_reduced(options, axis) ? 1 : x[axis];
  }
  return shape;
}

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

int64_t term_count(const Shape& x, const ReduceOptions& options) {
  int64_t count = 1;
  for (int axis = 0; axis < x.rank(); ++axis) {
    count *= is_reduced(options, axis) ? x[axis] : 1;
  }
  return count;
}

OutputSpecs infer_reduction(std::string_view op, const Tensor& x, const ReduceOptions& options) {
  LV_CHECK_DTYPE(is_floating(x.dtype()), "{}: x must be floating, got {} {}", op, x.dtype(), x.shape());
  return {{reduced_shape(x.shape(), options), x.dtype()}};
}

void launch_reduction(const Context& ctx, Reduction reduction, const Tensor& x, const Tensor& other, const Tensor& y,
                      const ReduceOptions& options, double scale) {
  kernels::ReduceArgs args{.reduction = reduction,
                           .x = kernels::cref(x),
                           .y = kernels::ref(y.view(kept_shape(x.shape(), options))),
                           .scale = scale};
  if (other.defined()) {
    args.other = kernels::expanded(kernels::cref(other), x.shape());
  }
  const Tensor workspace = ctx.new_empty({kernels::reduce_workspace(args)}, DType::u8);
  args.workspace = kernels::ref(workspace);
  kernels::reduce(args, ctx.stream());
}

Tensor wide_reduction(const Context& ctx, Reduction reduction, const Tensor& x, const Tensor& other,
                      const ReduceOptions& options, double scale) {
  const Tensor y = ctx.new_empty(kept_shape(x.shape(), options), wide_dtype(x.dtype()));
  launch_reduction(ctx, reduction, x, other, y, options, scale);
  return y;
}

Tensor reduction_gradient(const Context& ctx, kernels::ReductionGradient gradient, const Tensor& x, const Tensor& a,
                          const Tensor& b, const ReduceOptions& options) {
  const Shape kept = kept_shape(x.shape(), options);
  const auto spread_out = [&](const Tensor& values) {
    return kernels::expanded(kernels::cref(values.view(kept)), x.shape());
  };
  const Tensor dx = x.empty_like(x.dtype(), x.device());
  kernels::reduction_gradient({.gradient = gradient,
                               .x = kernels::cref(x),
                               .a = spread_out(ctx.dense(a)),
                               .b = spread_out(ctx.dense(b)),
                               .dx = kernels::ref(dx)},
                              ctx.stream());
  return dx;
}

Tensor fold_reference(const Tensor& x, const ReduceOptions& options,
                      const std::function<double(std::span<const double>)>& fold) {
  const Tensor values = x.to(DType::f64).contiguous();
  const Tensor y = Tensor::empty(reduced_shape(x.shape(), options), DType::f64);
  const Tensor places = y.view(kept_shape(x.shape(), options)).expand(x.shape());
  std::vector<std::vector<double>> terms(size_t(y.numel()));
  for (int64_t i = 0; i < x.numel(); ++i) {
    int64_t rest = i;
    int64_t at = 0;
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      at += rest % x.size(axis) * places.strides()[axis];
      rest /= x.size(axis);
    }
    terms[size_t(at)].push_back(values.data<double>()[i]);
  }
  std::transform(terms.begin(), terms.end(), y.data<double>(), fold);
  return y.to(x.dtype());
}

// spread

OutputSpecs Spread::infer(Inputs in, const Options& options) {
  const Shape wanted = reduced_shape(options.shape, options.reduction);
  LV_CHECK_SHAPE(in[0].shape() == wanted, "spread: x must be {} to fill {}, got {}", wanted, options.shape,
                 in[0].shape());
  return {{options.shape, in[0].dtype()}};
}

TensorList Spread::forward(Context&, Inputs in, const Options& options) {
  // Axes of size 1 go in one by one: x may have any strides.
  const Shape kept = kept_shape(options.shape, options.reduction);
  Tensor view = in[0];
  for (int axis = 0; axis < kept.rank() && view.rank() < kept.rank(); ++axis) {
    if (is_reduced(options.reduction, axis)) {
      view = view.unsqueeze(axis);
    }
  }
  return {view.expand(options.shape)};
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

OutputSpecs Sum::infer(Inputs in, const Options& options) { return infer_reduction(kName, in[0], options); }

TensorList Sum::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor y = ctx.new_output();
  launch_reduction(ctx, Reduction::sum, in[0], {}, y, options);
  return {y};
}

TensorList Sum::backward(Context& ctx, Inputs grads, const Options& options) {
  return {spread(grads[0], ctx.input_shape(0), options)};
}

TensorList Sum::reference(Inputs in, const Options& options) {
  return {fold_reference(in[0], options, [](auto terms) { return std::accumulate(terms.begin(), terms.end(), 0.0); })};
}

Tensor sum(const Tensor& x, const Axes& axes, bool keepdim) {
  return autograd::apply<Sum>({x}, reduce_options("sum", x, axes, keepdim))[0];
}

// mean

OutputSpecs Mean::infer(Inputs in, const Options& options) { return infer_reduction(kName, in[0], options); }

TensorList Mean::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor y = ctx.new_output();
  launch_reduction(ctx, Reduction::sum, in[0], {}, y, options, 1.0 / double(term_count(in[0].shape(), options)));
  return {y};
}

TensorList Mean::backward(Context& ctx, Inputs grads, const Options& options) {
  const Shape& shape = ctx.input_shape(0);
  return {spread(grads[0] / double(term_count(shape, options)), shape, options)};
}

TensorList Mean::reference(Inputs in, const Options& options) {
  return {fold_reference(in[0], options, [](auto terms) {
    return std::accumulate(terms.begin(), terms.end(), 0.0) / double(terms.size());
  })};
}

Tensor mean(const Tensor& x, const Axes& axes, bool keepdim) {
  return autograd::apply<Mean>({x}, reduce_options("mean", x, axes, keepdim))[0];
}

// amax, amin

namespace {

OutputSpecs infer_extremum(std::string_view op, const Tensor& x, const ReduceOptions& options) {
  OutputSpecs specs = infer_reduction(op, x, options);
  LV_CHECK_SHAPE(term_count(x.shape(), options) > 0 || numel(specs[0].shape) == 0,
                 "{}: an output {} of x {} has no elements to choose from", op, specs[0].shape, x.shape());
  return specs;
}

TensorList run_extremum(Reduction reduction, Context& ctx, const Tensor& x, const ReduceOptions& options) {
  const Tensor y = ctx.new_output();
  launch_reduction(ctx, reduction, x, {}, y, options);
  ctx.save(x);
  ctx.save_output(y);
  return {y};
}

TensorList differentiate_extremum(const Context& ctx, const Tensor& grad, const ReduceOptions& options) {
  const Tensor x = ctx.saved(0);
  const Tensor y = ctx.saved(1);
  if (autograd::grad_enabled()) {
    const Tensor is_chosen = eq(x, spread(y, x.shape(), options));
    const Tensor share = grad / autograd::apply<Sum>({autograd::cast(is_chosen, x.dtype())}, options)[0];
    return {where(is_chosen, spread(share, x.shape(), options), 0.0)};
  }
  const Tensor best = autograd::cast(y, wide_dtype(x.dtype())).view(kept_shape(x.shape(), options));
  const Tensor count = wide_reduction(ctx, Reduction::count_of_equals, x, best, options);
  const Tensor share = ctx.dense(autograd::cast(grad, best.dtype())).view(best.shape()) / count;
  return {reduction_gradient(ctx, kernels::ReductionGradient::extremum, x, best, share, options)};
}

/// NaN if a term is.
template <class Choose>
TensorList extremum_reference(const Tensor& x, const ReduceOptions& options, Choose choose) {
  return {fold_reference(x, options, [&](auto terms) {
    double best = terms[0];
    for (const double term : terms) {
      best = std::isnan(best) || std::isnan(term) ? NAN : choose(best, term);
    }
    return best;
  })};
}

}  // namespace

OutputSpecs Amax::infer(Inputs in, const Options& options) { return infer_extremum(kName, in[0], options); }
TensorList Amax::forward(Context& ctx, Inputs in, const Options& options) {
  return run_extremum(Reduction::max, ctx, in[0], options);
}
TensorList Amax::backward(Context& ctx, Inputs grads, const Options& options) {
  return differentiate_extremum(ctx, grads[0], options);
}
TensorList Amax::reference(Inputs in, const Options& options) {
  return extremum_reference(in[0], options, [](double a, double b) { return std::fmax(a, b); });
}
Tensor amax(const Tensor& x, const Axes& axes, bool keepdim) {
  return autograd::apply<Amax>({x}, reduce_options("amax", x, axes, keepdim))[0];
}

OutputSpecs Amin::infer(Inputs in, const Options& options) { return infer_extremum(kName, in[0], options); }
TensorList Amin::forward(Context& ctx, Inputs in, const Options& options) {
  return run_extremum(Reduction::min, ctx, in[0], options);
}
TensorList Amin::backward(Context& ctx, Inputs grads, const Options& options) {
  return differentiate_extremum(ctx, grads[0], options);
}
TensorList Amin::reference(Inputs in, const Options& options) {
  return extremum_reference(in[0], options, [](double a, double b) { return std::fmin(a, b); });
}
Tensor amin(const Tensor& x, const Axes& axes, bool keepdim) {
  return autograd::apply<Amin>({x}, reduce_options("amin", x, axes, keepdim))[0];
}

// any, all

namespace {

/// How many elements are true; beyond 2^24 the count may stick, but never at 0.
Tensor true_count(std::string_view op, const Tensor& x, const Axes& axes, bool keepdim) {
  LV_CHECK_DTYPE(x.dtype() == DType::boolean, "{}: x must be bool, got {} {}", op, x.dtype(), x.shape());
  return autograd::apply<Sum>({autograd::cast(x, DType::f32)}, reduce_options(op, x, axes, keepdim))[0];
}

}  // namespace

Tensor any(const Tensor& x, const Axes& axes, bool keepdim) { return gt(true_count("any", x, axes, keepdim), 0.0); }

Tensor all(const Tensor& x, const Axes& axes, bool keepdim) {
  LV_CHECK_DTYPE(x.dtype() == DType::boolean, "all: x must be bool, got {} {}", x.dtype(), x.shape());
  return eq(true_count("all", logical_not(x), axes, keepdim), 0.0);
}

}  // namespace lv::ops
