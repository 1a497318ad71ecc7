#include "autograd/basic_ops.h"

#include <cmath>

#include "autograd/basic_op_definitions.h"
#include "kernels/copy.h"
#include "kernels/elementwise.h"
#include "kernels/reduce.h"

namespace lv::autograd {

namespace {

void launch_copy(const Tensor& x, const Tensor& y) {
  kernels::copy({.x = kernels::cref(x), .y = kernels::ref(y)}, current_stream(x.device()));
}

Tensor raw_add(const Tensor& a, const Tensor& b, const Tensor& y) {
  kernels::binary({.function = kernels::BinaryFunction::add,
                   .a = kernels::cref(a.expand(y.shape())),
                   .b = kernels::cref(b.expand(y.shape())),
                   .y = kernels::ref(y)},
                  current_stream(y.device()));
  return y;
}

/// `shape` with leading axes of size 1 up to `rank`.
Shape pad_leading(const Shape& shape, int rank) {
  Shape padded = shape;
  while (padded.rank() < rank) {
    padded.insert(0, 1);
  }
  return padded;
}

}  // namespace

// cast

OutputSpecs Cast::infer(Inputs in, const Options& options) { return {{in[0].shape(), options.dtype}}; }

TensorList Cast::forward(Context& ctx, Inputs in, const Options&) {
  const Tensor y = ctx.new_output_like(in);
  launch_copy(in[0], y);
  return {y};
}

TensorList Cast::backward(Context& ctx, Inputs grads, const Options&) { return {cast(grads[0], ctx.input_dtype(0))}; }

TensorList Cast::reference(Inputs in, const Options& options) { return {in[0].to(options.dtype)}; }

Tensor cast(const Tensor& x, DType dtype) { return x.dtype() == dtype ? x : apply<Cast>({x}, {dtype})[0]; }

// contiguous

OutputSpecs Contiguous::infer(Inputs in, const Options&) { return {{in[0].shape(), in[0].dtype()}}; }

TensorList Contiguous::forward(Context&, Inputs in, const Options&) { return {copy_contiguous(in[0])}; }

TensorList Contiguous::backward(Context&, Inputs grads, const Options&) { return {grads[0]}; }

TensorList Contiguous::reference(Inputs in, const Options&) { return {in[0].clone()}; }

Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : apply<Contiguous>({x})[0]; }

Tensor copy_contiguous(const Tensor& x) {
  const Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  launch_copy(x, y);
  return y;
}

// expand

OutputSpecs Expand::infer(Inputs in, const Options& options) {
  LV_CHECK_SHAPE(broadcast_shapes(in[0].shape(), options.shape, "expand") == options.shape,
                 "expand: {} does not expand to {}", in[0].shape(), options.shape);
  return {{options.shape, in[0].dtype()}};
}

TensorList Expand::forward(Context&, Inputs in, const Options& options) { return {in[0].expand(options.shape)}; }

TensorList Expand::backward(Context& ctx, Inputs grads, const Options&) {
  return {sum_to(grads[0], ctx.input_shape(0))};
}

TensorList Expand::reference(Inputs in, const Options& options) {
  return {add(Tensor::zeros(options.shape, in[0].dtype()), in[0])};
}

Tensor alias(const Tensor& x) { return apply<Expand>({x}, {x.shape()})[0]; }

Tensor expand(const Tensor& x, const Shape& shape) { return x.shape() == shape ? x : apply<Expand>({x}, {shape})[0]; }

// sum_to

OutputSpecs SumTo::infer(Inputs in, const Options& options) {
  LV_CHECK_SHAPE(broadcast_shapes(in[0].shape(), options.shape, "sum_to") == in[0].shape(),
                 "sum_to: {} does not broadcast to {}", options.shape, in[0].shape());
  return {{options.shape, in[0].dtype()}};
}

TensorList SumTo::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor y = ctx.new_output();
  const Shape padded = pad_leading(options.shape, in[0].rank());
  kernels::ReduceArgs args{.x = kernels::cref(in[0]), .y = kernels::ref(y.view(padded))};
  const Tensor workspace = ctx.new_empty({kernels::reduce_workspace(args)}, DType::u8);
  args.workspace = kernels::ref(workspace);
  kernels::reduce(args, ctx.stream());
  return {y};
}

TensorList SumTo::backward(Context& ctx, Inputs grads, const Options&) {
  return {expand(grads[0], ctx.input_shape(0))};
}

TensorList SumTo::reference(Inputs in, const Options& options) {
  const Tensor x = in[0].to(DType::f64).contiguous();
  const Tensor y = Tensor::zeros(options.shape, DType::f64);
  const Tensor target = y.expand(x.shape());
  // Element i of x, read row-major, belongs to the element of y that the broadcast shows at the same place.
  for (int64_t i = 0; i < x.numel(); ++i) {
    int64_t rest = i;
    int64_t at = 0;
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      at += rest % x.size(axis) * target.strides()[axis];
      rest /= x.size(axis);
    }
    y.data<double>()[at] += x.data<double>()[i];
  }
  return {y.to(in[0].dtype())};
}

Tensor sum_to(const Tensor& x, const Shape& shape) { return x.shape() == shape ? x : apply<SumTo>({x}, {shape})[0]; }

// add

OutputSpecs AddOp::infer(Inputs in, const Options&) {
  LV_CHECK_DTYPE(in[0].dtype() == in[1].dtype(), "add: dtypes differ: {} and {}; cast one of them", in[0].dtype(),
                 in[1].dtype());
  return {{broadcast_shapes(in[0].shape(), in[1].shape(), "add"), in[0].dtype()}};
}

TensorList AddOp::forward(Context& ctx, Inputs in, const Options&) {
  return {raw_add(in[0], in[1], ctx.new_output_like(in))};
}

TensorList AddOp::backward(Context& ctx, Inputs grads, const Options&) {
  TensorList result(2);
  for (int i = 0; i < 2; ++i) {
    if (ctx.needs_grad(i)) {
      result[i] = sum_to(grads[0], ctx.input_shape(i));
    }
  }
  return result;
}

TensorList AddOp::reference(Inputs in, const Options&) {
  const Shape shape = broadcast_shapes(in[0].shape(), in[1].shape(), "add");
  const Tensor a = in[0].to(DType::f64).expand(shape).contiguous();
  const Tensor b = in[1].to(DType::f64).expand(shape).contiguous();
  const Tensor y = Tensor::empty(shape, DType::f64);
  std::transform(a.data<double>(), a.data<double>() + a.numel(), b.data<double>(), y.data<double>(), std::plus<>());
  return {y.to(in[0].dtype())};
}

Tensor add(const Tensor& a, const Tensor& b) { return apply<AddOp>({a, b})[0]; }

// bookkeeping

void add_in_place(const Tensor& target, const Tensor& term) {
  raw_add(target, term, target);
  target.bump_version();
}

Tensor accumulate(const Tensor& sum, const Tensor& term, bool create_graph) {
  if (create_graph) {
    return add(sum, term);
  }
  const bool is_ours = sum.is_unshared() && sum.is_contiguous();
  return raw_add(sum, term, is_ours ? sum : sum.empty_like(sum.dtype(), sum.device()));
}

bool is_all_finite(const Tensor& x) {
  const Tensor host = x.to(Device::cpu()).to(DType::f64).contiguous();
  const double* values = host.data<double>();
  return std::all_of(values, values + host.numel(), [](double value) { return std::isfinite(value); });
}

}  // namespace lv::autograd
