#include <cmath>

#include "kernels/scan.h"
#include "ops/reduce_definitions.h"

namespace lv::ops {

// argmax, argmin

namespace {

OutputSpecs infer_arg(std::string_view op, const Tensor& x, const ArgReduceOptions& options) {
  LV_CHECK_DTYPE(is_floating(x.dtype()), "{}: x must be floating, got {} {}", op, x.dtype(), x.shape());
  LV_CHECK_SHAPE(x.size(options.axis) > 0, "{}: axis {} of x {} has no elements to choose from", op, options.axis,
                 x.shape());
  const ReduceOptions reduction{1U << options.axis, options.keepdim};
  return {{reduced_shape(x.shape(), reduction), DType::i64}};
}

TensorList run_arg(Context& ctx, const Tensor& x, const ArgReduceOptions& options, bool is_largest) {
  const Tensor index = ctx.new_output();
  const Tensor kept = index.view(kept_shape(x.shape(), {1U << options.axis, true}));
  kernels::arg_reduce(
      {.x = kernels::cref(x), .index = kernels::ref(kept), .axis = options.axis, .is_largest = is_largest},
      ctx.stream());
  return {index};
}

TensorList arg_reference(const Tensor& x, const ArgReduceOptions& options, double sign) {
  const Tensor places = fold_reference(x.to(DType::f64), {1U << options.axis, options.keepdim}, [&](auto terms) {
    const auto rank = [&](double term) { return std::isnan(term) ? INFINITY : sign * term; };
    size_t best = 0;
    for (size_t i = 0; i < terms.size(); ++i) {
      best = rank(terms[i]) > rank(terms[best]) ? i : best;
    }
    return double(best);
  });
  return {places.to(DType::i64)};
}

}  // namespace

OutputSpecs ArgMax::infer(Inputs in, const Options& options) { return infer_arg(kName, in[0], options); }
TensorList ArgMax::forward(Context& ctx, Inputs in, const Options& options) {
  return run_arg(ctx, in[0], options, true);
}
TensorList ArgMax::backward(Context&, Inputs, const Options&) { return TensorList(1); }
TensorList ArgMax::reference(Inputs in, const Options& options) { return arg_reference(in[0], options, 1.0); }

OutputSpecs ArgMin::infer(Inputs in, const Options& options) { return infer_arg(kName, in[0], options); }
TensorList ArgMin::forward(Context& ctx, Inputs in, const Options& options) {
  return run_arg(ctx, in[0], options, false);
}
TensorList ArgMin::backward(Context&, Inputs, const Options&) { return TensorList(1); }
TensorList ArgMin::reference(Inputs in, const Options& options) { return arg_reference(in[0], options, -1.0); }

Tensor argmax(const Tensor& x, int axis, bool keepdim) {
  return autograd::apply<ArgMax>({x}, {normalize_axis(axis, x.rank(), "argmax"), keepdim})[0];
}
Tensor argmin(const Tensor& x, int axis, bool keepdim) {
  return autograd::apply<ArgMin>({x}, {normalize_axis(axis, x.rank(), "argmin"), keepdim})[0];
}

// cumsum

OutputSpecs Cumsum::infer(Inputs in, const Options& options) {
  const Tensor& x = in[0];
  LV_CHECK_DTYPE(is_floating(x.dtype()), "cumsum: x must be floating, got {} {}", x.dtype(), x.shape());
  LV_CHECK_SHAPE(options.axis < x.rank(), "cumsum: there is no axis {} in x {}", options.axis, x.shape());
  return {{x.shape(), x.dtype()}};
}

TensorList Cumsum::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor y = ctx.new_output();
  kernels::cumsum(
      {.x = kernels::cref(in[0]), .y = kernels::ref(y), .axis = options.axis, .is_reverse = options.is_reverse},
      ctx.stream());
  return {y};
}

TensorList Cumsum::backward(Context&, Inputs grads, const Options& options) {
  return {autograd::apply<Cumsum>({grads[0]}, {options.axis, !options.is_reverse})[0]};
}

TensorList Cumsum::reference(Inputs in, const Options& options) {
  const Tensor y = in[0].to(DType::f64).clone();
  const int64_t length = y.size(options.axis);
  for (int64_t i = 1; i < length; ++i) {
    const auto at = [&](int64_t place) {
      return y.select(options.axis, options.is_reverse ? length - 1 - place : place);
    };
    const std::vector<double> before = at(i - 1).contiguous().to_vector<double>();
    std::vector<double> sums = at(i).contiguous().to_vector<double>();
    std::transform(sums.begin(), sums.end(), before.begin(), sums.begin(), std::plus<>());
    at(i).copy_from(Tensor::from(sums, at(i).shape()));
  }
  return {y.to(in[0].dtype())};
}

Tensor cumsum(const Tensor& x, int axis) {
  return autograd::apply<Cumsum>({x}, {normalize_axis(axis, x.rank(), "cumsum"), false})[0];
}

}  // namespace lv::ops
