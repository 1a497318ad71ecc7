#include "ops/conv.h"

#include "autograd/basic_ops.h"
#include "autograd/grad_mode.h"
#include "kernels/conv.h"
#include "kernels/copy.h"
#include "ops/conv_definitions.h"
#include "ops/elementwise_definitions.h"

namespace lv::ops {

using autograd::apply;
using autograd::sum_to;
using autograd::unpack;
using kernels::ConvAxis;
using kernels::ConvShape;
using kernels::cref;
using kernels::ref;

namespace {

/// `extent`, the cells along an axis of x; the size of the output follows.
ConvAxis axis_of(std::string_view op, int64_t extent, int64_t kernel, int64_t stride, int64_t padding,
                 int64_t dilation) {
  LV_CHECK_SHAPE(kernel >= 1 && stride >= 1 && dilation >= 1 && padding >= 0,
                 "{}: kernel {}, stride {} and dilation {} must be positive, padding {} not negative", op, kernel,
                 stride, dilation, padding);
  const int64_t span = extent + 2 * padding - dilation * (kernel - 1) - 1;
  LV_CHECK_SHAPE(span >= 0, "{}: a kernel of {} with dilation {} does not fit {} cells with padding {}", op, kernel,
                 dilation, extent, padding);
  return {.in = extent,
          .out = span / stride + 1,
          .kernel = kernel,
          .stride = stride,
          .padding = padding,
          .dilation = dilation};
}

ConvShape shape_of(std::string_view op, Size2d x, Size2d kernel, const Conv2dOptions& options) {
  const auto& [stride, padding, dilation, groups, relu] = options;
  return {.height = axis_of(op, x.height, kernel.height, stride.height, padding.height, dilation.height),
          .width = axis_of(op, x.width, kernel.width, stride.width, padding.width, dilation.width),
          .groups = groups};
}

Size2d cells(const Shape& activation) { return {activation[1], activation[2]}; }
Size2d taps(const Shape& weight) { return {weight[2], weight[3]}; }

void check_activation(std::string_view op, std::string_view name, const Tensor& x) {
  LV_CHECK_SHAPE(x.rank() == 4, "{}: {} must be [N, H, W, C], got {}", op, name, x.shape());
  LV_CHECK_DTYPE(is_floating(x.dtype()), "{}: {} must be floating, got {}", op, name, x.dtype());
}

void check_same_dtype(std::string_view op, const Tensor& a, const Tensor& b) {
  LV_CHECK_DTYPE(a.dtype() == b.dtype(), "{}: dtypes differ: {} and {}; cast one of them", op, a.dtype(), b.dtype());
}

void check_groups(std::string_view op, int64_t groups, int64_t channels, const Shape& first, const Shape& second) {
  LV_CHECK_SHAPE(groups >= 1 && channels % groups == 0, "{}: {} channels do not divide into {} groups ({} and {})", op,
                 channels, groups, first, second);
}

/// The [O, KH, KW, I] view of a weight; a copy in that order where memory has another.
Tensor filters_of(const Context& ctx, const Tensor& weight) {
  Tensor view = weight.permute({0, 2, 3, 1});
  if (view.is_contiguous()) {
    return view;
  }
  const Tensor filters = ctx.new_empty(view.shape(), view.dtype());
  kernels::copy({.x = cref(view), .y = ref(filters)}, ctx.stream());
  return filters;
}

Tensor input_grad(const Tensor& grad, const Tensor& weight, const Conv2dOptions& conv, Size2d input) {
  return apply<Conv2dInputGrad>({grad, weight}, {conv, input})[0];
}

Tensor weight_grad(const Tensor& x, const Tensor& grad, const Conv2dOptions& conv, Size2d kernel) {
  return apply<Conv2dWeightGrad>({x, grad}, {conv, kernel})[0];
}

/// The gradient before a ReLU whose result was y.
Tensor relu_grad(const Context& ctx, const Tensor& grad, const Tensor& y) {
  if (autograd::grad_enabled()) {
    return detail::unary_gradient_formula(kernels::UnaryFunction::relu, grad, y, {});
  }
  const Tensor result = ctx.new_empty(grad.shape(), grad.dtype());
  kernels::unary_gradient({.function = kernels::UnaryFunction::relu,
                           .scalars = {},
                           .grad = cref(grad),
                           .saved = cref(y),
                           .dx = ref(result)},
                          ctx.stream());
  return result;
}

/// Calls fn(x offset, weight offset, output offset) for every product of a convolution, offsets in row-major
/// [N, H, W, C], [O, I, KH, KW] and [N, OH, OW, O]: plain loops for references.
template <class Fn>
void for_each_product(const Shape& x, const Shape& weight, const ConvShape& shape, Fn&& fn) {
  const auto& [height, width, groups] = shape;
  const int64_t outs = weight[0];
  const int64_t outs_of_group = outs / groups;
  for (int64_t pixel = 0; pixel < x[0] * height.out * width.out; ++pixel) {
    const int64_t n = pixel / (height.out * width.out);
    for (int64_t tap = 0; tap < height.kernel * width.kernel; ++tap) {
      const int64_t h =
          pixel / width.out % height.out * height.stride + tap / width.kernel * height.dilation - height.padding;
      const int64_t w = pixel % width.out * width.stride + tap % width.kernel * width.dilation - width.padding;
      if (h < 0 || h >= x[1] || w < 0 || w >= x[2]) {
        continue;
      }
      for (int64_t o = 0; o < outs; ++o) {
        for (int64_t i = 0; i < weight[1]; ++i) {
          const int64_t channel = o / outs_of_group * weight[1] + i;
          fn(((n * x[1] + h) * x[2] + w) * x[3] + channel, (o * weight[1] + i) * height.kernel * width.kernel + tap,
             pixel * outs + o);
        }
      }
    }
  }
}

Tensor doubles(const Tensor& x) { return x.to(DType::f64).contiguous(); }

}  // namespace

// conv2d

OutputSpecs Conv2d::infer(Inputs in, const Options& options) {
  const auto& [x, weight, bias, residual] = unpack<4>(in);
  check_activation(kName, "x", x);
  LV_CHECK_SHAPE(weight.rank() == 4, "conv2d: weight must be [O, C / groups, KH, KW], got {} (x {})", weight.shape(),
                 x.shape());
  check_same_dtype(kName, x, weight);
  check_groups(kName, options.groups, x.size(3), x.shape(), weight.shape());
  check_groups(kName, options.groups, weight.size(0), x.shape(), weight.shape());
  LV_CHECK_SHAPE(weight.size(1) * options.groups == x.size(3),
                 "conv2d: weight must have C / groups = {} / {} input channels, got {} (x {})", x.size(3),
                 options.groups, weight.shape(), x.shape());
  if (bias.defined()) {
    check_same_dtype(kName, x, bias);
    LV_CHECK_SHAPE(bias.shape() == Shape{weight.size(0)}, "conv2d: bias must be [O] = [{}], got {} (weight {})",
                   weight.size(0), bias.shape(), weight.shape());
  }
  const ConvShape shape = shape_of(kName, cells(x.shape()), taps(weight.shape()), options);
  const Shape result{x.size(0), shape.height.out, shape.width.out, weight.size(0)};
  if (residual.defined()) {
    check_same_dtype(kName, x, residual);
    LV_CHECK_SHAPE(residual.shape() == result, "conv2d: residual must be {}, got {} (x {}, weight {})", result,
                   residual.shape(), x.shape(), weight.shape());
  }
  return {{result, x.dtype()}};
}

TensorList Conv2d::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [x, weight, bias, residual] = unpack<4>(in);
  ctx.save(x);
  ctx.save(weight);
  const Tensor y = ctx.new_output();
  const Tensor dense = ctx.dense(x);
  const Tensor filters = filters_of(ctx, weight);
  const auto dense_if_given = [&](const Tensor& tensor) { return tensor.defined() ? ctx.dense(tensor) : tensor; };
  const Tensor dense_bias = dense_if_given(bias);
  const Tensor dense_residual = dense_if_given(residual);
  kernels::conv({.x = cref(dense),
                 .weight = cref(filters),
                 .bias = cref(dense_bias),
                 .residual = cref(dense_residual),
                 .relu = options.relu,
                 .y = ref(y),
                 .shape = shape_of(kName, cells(x.shape()), taps(weight.shape()), options)},
                ctx.stream());
  if (options.relu) {
    ctx.save_output(y);
  }
  return {y};
}

TensorList Conv2d::backward(Context& ctx, Inputs grads, const Options& options) {
  const Tensor grad = options.relu ? relu_grad(ctx, ctx.dense(grads[0]), ctx.saved(2)) : grads[0];
  Conv2dOptions linear = options;
  linear.relu = false;
  TensorList result(ctx.input_count());
  if (ctx.needs_grad(0)) {
    result[0] = input_grad(grad, ctx.saved(1), linear, cells(ctx.input_shape(0)));
  }
  if (ctx.needs_grad(1)) {
    result[1] = weight_grad(ctx.saved(0), grad, linear, taps(ctx.input_shape(1)));
  }
  if (ctx.input_count() > 2 && ctx.needs_grad(2)) {
    result[2] = sum_to(grad, ctx.input_shape(2));
  }
  if (ctx.input_count() > 3 && ctx.needs_grad(3)) {
    result[3] = grad;
  }
  return result;
}

TensorList Conv2d::reference(Inputs in, const Options& options) {
  const auto& [x, weight, bias, residual] = unpack<4>(in);
  const Tensor y = Tensor::zeros(infer(in, options)[0].shape, DType::f64);
  if (bias.defined()) {
    y.copy_from(bias.expand(y.shape()));
  }
  const Tensor x_values = doubles(x);
  const Tensor weight_values = doubles(weight);
  for_each_product(x.shape(), weight.shape(), shape_of(kName, cells(x.shape()), taps(weight.shape()), options),
                   [&](int64_t from, int64_t at, int64_t to) {
                     y.data<double>()[to] += x_values.data<double>()[from] * weight_values.data<double>()[at];
                   });
  if (residual.defined()) {
    y.copy_from(autograd::add(y, residual.to(DType::f64)));
  }
  for (int64_t i = 0; options.relu && i < y.numel(); ++i) {
    y.data<double>()[i] = std::max(y.data<double>()[i], 0.0);
  }
  return {y.to(x.dtype())};
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options,
              const Tensor& residual) {
  return apply<Conv2d>({x, weight, bias, residual}, options)[0];
}

// conv2d_input_grad

OutputSpecs Conv2dInputGrad::infer(Inputs in, const Options& options) {
  const auto& [grad, weight] = unpack<2>(in);
  check_activation(kName, "grad", grad);
  LV_CHECK_SHAPE(weight.rank() == 4, "{}: weight must be [O, C / groups, KH, KW], got {} (grad {})", kName,
                 weight.shape(), grad.shape());
  check_same_dtype(kName, grad, weight);
  check_groups(kName, options.conv.groups, weight.size(0), grad.shape(), weight.shape());
  const ConvShape shape = shape_of(kName, options.input, taps(weight.shape()), options.conv);
  const Shape wanted{grad.size(0), shape.height.out, shape.width.out, weight.size(0)};
  LV_CHECK_SHAPE(grad.shape() == wanted, "{}: grad must be {}, got {} (weight {})", kName, wanted, grad.shape(),
                 weight.shape());
  return {
      {{grad.size(0), options.input.height, options.input.width, weight.size(1) * options.conv.groups}, grad.dtype()}};
}

TensorList Conv2dInputGrad::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [grad, weight] = unpack<2>(in);
  ctx.save(grad);
  ctx.save(weight);
  const Tensor dx = ctx.new_output();
  const Tensor dense = ctx.dense(grad);
  const Tensor filters = filters_of(ctx, weight);
  kernels::conv_input_grad({.grad = cref(dense),
                            .weight = cref(filters),
                            .dx = ref(dx),
                            .shape = shape_of(kName, options.input, taps(weight.shape()), options.conv)},
                           ctx.stream());
  return {dx};
}

TensorList Conv2dInputGrad::backward(Context& ctx, Inputs grads, const Options& options) {
  TensorList result(2);
  if (ctx.needs_grad(0)) {
    result[0] = conv2d(grads[0], ctx.saved(1), {}, options.conv);
  }
  if (ctx.needs_grad(1)) {
    result[1] = weight_grad(grads[0], ctx.saved(0), options.conv, taps(ctx.input_shape(1)));
  }
  return result;
}

TensorList Conv2dInputGrad::reference(Inputs in, const Options& options) {
  const auto& [grad, weight] = unpack<2>(in);
  const Tensor dx = Tensor::zeros(infer(in, options)[0].shape, DType::f64);
  const Tensor grad_values = doubles(grad);
  const Tensor weight_values = doubles(weight);
  for_each_product(dx.shape(), weight.shape(), shape_of(kName, options.input, taps(weight.shape()), options.conv),
                   [&](int64_t to, int64_t at, int64_t from) {
                     dx.data<double>()[to] += grad_values.data<double>()[from] * weight_values.data<double>()[at];
                   });
  return {dx.to(grad.dtype())};
}

// conv2d_weight_grad

OutputSpecs Conv2dWeightGrad::infer(Inputs in, const Options& options) {
  const auto& [x, grad] = unpack<2>(in);
  check_activation(kName, "x", x);
  check_activation(kName, "grad", grad);
  check_same_dtype(kName, x, grad);
  check_groups(kName, options.conv.groups, x.size(3), x.shape(), grad.shape());
  check_groups(kName, options.conv.groups, grad.size(3), x.shape(), grad.shape());
  const ConvShape shape = shape_of(kName, cells(x.shape()), options.kernel, options.conv);
  const Shape wanted{x.size(0), shape.height.out, shape.width.out, grad.size(3)};
  LV_CHECK_SHAPE(grad.shape() == wanted, "{}: grad must be {}, got {} (x {})", kName, wanted, grad.shape(), x.shape());
  return {{{grad.size(3), x.size(3) / options.conv.groups, options.kernel.height, options.kernel.width}, x.dtype()}};
}

TensorList Conv2dWeightGrad::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [x, grad] = unpack<2>(in);
  ctx.save(x);
  ctx.save(grad);
  const Shape& weight = ctx.output_spec().shape;
  const Tensor filters = ctx.new_empty({weight[0], weight[2], weight[3], weight[1]}, x.dtype());
  const Tensor dense_x = ctx.dense(x);
  const Tensor dense_grad = ctx.dense(grad);
  kernels::conv_weight_grad({.x = cref(dense_x),
                             .grad = cref(dense_grad),
                             .dweight = ref(filters),
                             .shape = shape_of(kName, cells(x.shape()), options.kernel, options.conv)},
                            ctx.stream());
  return {filters.permute({0, 3, 1, 2})};
}

TensorList Conv2dWeightGrad::backward(Context& ctx, Inputs grads, const Options& options) {
  TensorList result(2);
  if (ctx.needs_grad(0)) {
    result[0] = input_grad(ctx.saved(1), grads[0], options.conv, cells(ctx.input_shape(0)));
  }
  if (ctx.needs_grad(1)) {
    result[1] = conv2d(ctx.saved(0), grads[0], {}, options.conv);
  }
  return result;
}

TensorList Conv2dWeightGrad::reference(Inputs in, const Options& options) {
  const auto& [x, grad] = unpack<2>(in);
  const Tensor dweight = Tensor::zeros(infer(in, options)[0].shape, DType::f64);
  const Tensor x_values = doubles(x);
  const Tensor grad_values = doubles(grad);
  for_each_product(x.shape(), dweight.shape(), shape_of(kName, cells(x.shape()), options.kernel, options.conv),
                   [&](int64_t from, int64_t to, int64_t at) {
                     dweight.data<double>()[to] += x_values.data<double>()[from] * grad_values.data<double>()[at];
                   });
  return {dweight.to(x.dtype())};
}

// conv_transpose2d

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose2dOptions& options) {
  const auto& [stride, padding, output_padding, dilation, groups] = options;
  LV_CHECK_SHAPE(x.rank() == 4 && weight.rank() == 4 && x.size(3) == weight.size(0),
                 "conv_transpose2d: x must be [N, H, W, C] and weight [C, O / groups, KH, KW], got {} and {}",
                 x.shape(), weight.shape());
  const auto extent = [](int64_t in, int64_t kernel, int64_t step, int64_t pad, int64_t extra, int64_t spread) {
    LV_CHECK_SHAPE(extra >= 0 && extra < std::max(step, spread),
                   "conv_transpose2d: output_padding {} must lie below stride {} or dilation {}", extra, step, spread);
    return (in - 1) * step - 2 * pad + spread * (kernel - 1) + extra + 1;
  };
  const Size2d size{
      extent(x.size(1), weight.size(2), stride.height, padding.height, output_padding.height, dilation.height),
      extent(x.size(2), weight.size(3), stride.width, padding.width, output_padding.width, dilation.width)};
  const Tensor y =
      input_grad(x, weight, {.stride = stride, .padding = padding, .dilation = dilation, .groups = groups}, size);
  return bias.defined() ? autograd::add(y, bias) : y;
}

}  // namespace lv::ops
