#include "kernels/strided.h"
#include "ops/elementwise.h"
#include "ops/elementwise_definitions.h"

namespace lv::ops {

using kernels::Comparison;

namespace detail {

namespace {

bool plain_value(Comparison comparison, double a, double b) {
  switch (comparison) {
    case Comparison::eq:
      return a == b;
    case Comparison::ne:
      return a != b;
    case Comparison::lt:
      return a < b;
    case Comparison::le:
      return a <= b;
    case Comparison::gt:
      return a > b;
    case Comparison::ge:
      return a >= b;
    case Comparison::logical_and:
      return bool(a) && bool(b);
    case Comparison::logical_or:
      return bool(a) || bool(b);
  }
  fail("comparison_reference: unknown comparison {}", int(comparison));
}

/// `x`, or where it is absent `otherwise`, as row-major float64 in `shape`.
Tensor as_doubles(const Tensor& x, double otherwise, const Shape& shape) {
  return (x.defined() ? x.to(DType::f64) : Tensor::scalar(otherwise, DType::f64)).expand(shape).contiguous();
}

}  // namespace

OutputSpecs infer_comparison(std::string_view op, Inputs in) {
  const auto& [a, b] = autograd::unpack<2>(in);
  if (!b.defined()) {
    return {{a.shape(), DType::boolean}};
  }
  LV_CHECK_DTYPE(a.dtype() == b.dtype(), "{}: dtypes differ: {} {} and {} {}; cast one of them", op, a.dtype(),
                 a.shape(), b.dtype(), b.shape());
  return {{broadcast_shapes(a.shape(), b.shape(), op), DType::boolean}};
}

TensorList run_comparison(Comparison comparison, Context& ctx, Inputs in, double scalar) {
  const auto& [a, b] = autograd::unpack<2>(in);
  const Tensor y = ctx.new_output_like(in);
  kernels::compare({.comparison = comparison,
                    .a = kernels::expanded(kernels::cref(a), y.shape()),
                    .b = b.defined() ? kernels::expanded(kernels::cref(b), y.shape()) : kernels::ConstTensorRef{},
                    .scalar = scalar,
                    .y = kernels::ref(y)},
                   ctx.stream());
  return {y};
}

TensorList comparison_reference(Comparison comparison, Inputs in, double scalar) {
  const auto& [a, b] = autograd::unpack<2>(in);
  const Shape shape = b.defined() ? broadcast_shapes(a.shape(), b.shape(), "comparison_reference") : a.shape();
  const Tensor u = as_doubles(a, 0, shape);
  const Tensor v = as_doubles(b, scalar, shape);
  const Tensor y = Tensor::empty(shape, DType::boolean);
  std::transform(u.data<double>(), u.data<double>() + u.numel(), v.data<double>(), y.data<bool>(),
                 [&](double p, double q) { return plain_value(comparison, p, q); });
  return {y};
}

}  // namespace detail

namespace {

template <Comparison kComparison>
Tensor apply_comparison(const Tensor& a, const Tensor& b, double scalar = 0) {
  return autograd::apply<Compare<kComparison>>({a, b}, {scalar})[0];
}

}  // namespace

#define LV_COMPARISON(name)                                                                          \
  Tensor name(const Tensor& a, const Tensor& b) { return apply_comparison<Comparison::name>(a, b); } \
  Tensor name(const Tensor& a, double b) { return apply_comparison<Comparison::name>(a, Tensor{}, b); }
LV_COMPARISON(eq)
LV_COMPARISON(ne)
LV_COMPARISON(lt)
LV_COMPARISON(le)
LV_COMPARISON(gt)
LV_COMPARISON(ge)
#undef LV_COMPARISON

Tensor logical_and(const Tensor& a, const Tensor& b) { return apply_comparison<Comparison::logical_and>(a, b); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return apply_comparison<Comparison::logical_or>(a, b); }
Tensor logical_not(const Tensor& x) { return eq(x, 0.0); }

// where

OutputSpecs Where::infer(Inputs in, const Options&) {
  const auto& [mask, a, b] = autograd::unpack<3>(in);
  LV_CHECK_DTYPE(mask.dtype() == DType::boolean, "where: the mask must be bool, got {} {}", mask.dtype(), mask.shape());
  LV_CHECK(a.defined() || b.defined(), "where: both alternatives are absent (mask {})", mask.shape());
  LV_CHECK_DTYPE(!a.defined() || !b.defined() || a.dtype() == b.dtype(),
                 "where: dtypes differ: {} {} and {} {}; cast one of them", a.dtype(), a.shape(), b.dtype(), b.shape());
  Shape shape = mask.shape();
  for (const Tensor* alternative : {&a, &b}) {
    if (alternative->defined()) {
      shape = broadcast_shapes(shape, alternative->shape(), "where");
    }
  }
  return {{shape, (a.defined() ? a : b).dtype()}};
}

TensorList Where::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [mask, a, b] = autograd::unpack<3>(in);
  const Tensor y = ctx.new_output_like(in);
  const auto view = [&](const Tensor& tensor) {
    return tensor.defined() ? kernels::expanded(kernels::cref(tensor), y.shape()) : kernels::ConstTensorRef{};
  };
  ctx.save(mask);
  kernels::select({.mask = view(mask), .a = view(a), .b = view(b), .fill = options.fill, .y = kernels::ref(y)},
                  ctx.stream());
  return {y};
}

TensorList Where::backward(Context& ctx, Inputs grads, const Options&) {
  const Tensor mask = ctx.saved(0);
  TensorList result(3);
  if (ctx.needs_grad(1)) {
    result[1] = autograd::sum_to(where(mask, grads[0], 0.0), ctx.input_shape(1));
  }
  if (ctx.needs_grad(2)) {
    result[2] = autograd::sum_to(masked_fill(grads[0], mask, 0.0), ctx.input_shape(2));
  }
  return result;
}

TensorList Where::reference(Inputs in, const Options& options) {
  const auto& [mask, a, b] = autograd::unpack<3>(in);
  const Shape shape = infer(in, options)[0].shape;
  const Tensor m = detail::as_doubles(mask, 0, shape);
  const Tensor u = detail::as_doubles(a, options.fill, shape);
  const Tensor v = detail::as_doubles(b, options.fill, shape);
  const Tensor y = Tensor::empty(shape, DType::f64);
  for (int64_t i = 0; i < y.numel(); ++i) {
    y.data<double>()[i] = (m.data<double>()[i] != 0 ? u : v).data<double>()[i];
  }
  return {y.to((a.defined() ? a : b).dtype())};
}

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b) { return autograd::apply<Where>({mask, a, b})[0]; }
Tensor where(const Tensor& mask, const Tensor& a, double b) {
  return autograd::apply<Where>({mask, a, Tensor{}}, {b})[0];
}
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) {
  return autograd::apply<Where>({mask, Tensor{}, x}, {value})[0];
}

}  // namespace lv::ops
