#include "ops/pool.h"

#include <cmath>
#include <limits>

#include "kernels/pool.h"

namespace lv::ops {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using kernels::PoolAxis;

namespace {

PoolAxis adaptive_axis(int64_t in, int64_t out) {
  PoolAxis axis{.in = in, .out = out, .kernel = 1, .stride = 1, .padding = 0, .dilation = 1, .is_adaptive = true};
  for (int64_t o = 0; o < out; ++o) {
    axis.kernel = std::max(axis.kernel, axis.end(o) - axis.begin(o));
  }
  return axis;
}

PoolAxis regular_axis(std::string_view op, const Shape& x, int64_t in, int64_t kernel, int64_t stride, int64_t padding,
                      int64_t dilation, bool ceil_mode) {
  LV_CHECK_SHAPE(kernel >= 1 && stride >= 1 && dilation >= 1,
                 "{}: kernel {}, stride {} and dilation {} must be positive", op, kernel, stride, dilation);
  LV_CHECK_SHAPE(padding >= 0 && 2 * padding <= kernel, "{}: padding {} must lie in [0, kernel / 2] (kernel {})", op,
                 padding, kernel);
  const int64_t span = in + 2 * padding - dilation * (kernel - 1) - 1;
  LV_CHECK_SHAPE(span >= 0, "{}: a window of {} (kernel {}, dilation {}) does not fit {} cells with padding {} (x {})",
                 op, dilation * (kernel - 1) + 1, kernel, dilation, in, padding, x);
  int64_t out = (span + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (out - 1) * stride >= in + padding) {
    --out;
  }
  return {.in = in,
          .out = out,
          .kernel = kernel,
          .stride = stride,
          .padding = padding,
          .dilation = dilation,
          .is_adaptive = false};
}

struct Axes {
  PoolAxis height;
  PoolAxis width;
};

void check_input(std::string_view op, const Tensor& x) {
  LV_CHECK_SHAPE(x.rank() == 4, "{}: x must be [N, H, W, C], got {}", op, x.shape());
  LV_CHECK_DTYPE(is_floating(x.dtype()), "{}: x must be floating, got {}", op, x.dtype());
}

Axes adaptive_axes(std::string_view op, const Shape& x, Size2d out) {
  LV_CHECK_SHAPE(out.height >= 1 && out.width >= 1, "{}: output size {} x {} must be positive", op, out.height,
                 out.width);
  LV_CHECK_SHAPE(x[1] >= 1 && x[2] >= 1, "{}: x {} has no cells", op, x);
  return {adaptive_axis(x[1], out.height), adaptive_axis(x[2], out.width)};
}

Axes axes_of(const Shape& x, const MaxPool2d::Options& options) {
  if (options.adaptive) {
    return adaptive_axes(MaxPool2d::kName, x, *options.adaptive);
  }
  const auto& [kernel, given_stride, padding, dilation, ceil_mode] = options.pool;
  const Size2d stride = given_stride.value_or(kernel);
  return {
      regular_axis(MaxPool2d::kName, x, x[1], kernel.height, stride.height, padding.height, dilation.height, ceil_mode),
      regular_axis(MaxPool2d::kName, x, x[2], kernel.width, stride.width, padding.width, dilation.width, ceil_mode)};
}

Axes axes_of(const Shape& x, const AvgPool2d::Options& options) {
  if (options.adaptive) {
    return adaptive_axes(AvgPool2d::kName, x, *options.adaptive);
  }
  const AvgPool2dOptions& pool = options.pool;
  const Size2d stride = pool.stride.value_or(pool.kernel);
  return {
      regular_axis(AvgPool2d::kName, x, x[1], pool.kernel.height, stride.height, pool.padding.height, 1,
                   pool.ceil_mode),
      regular_axis(AvgPool2d::kName, x, x[2], pool.kernel.width, stride.width, pool.padding.width, 1, pool.ceil_mode)};
}

kernels::PoolDivisor divisor_of(const AvgPool2d::Options& options) {
  const bool counts_padding = !options.adaptive && options.pool.count_include_pad;
  return {counts_padding, options.adaptive ? 0 : options.pool.divisor_override};
}

Shape pooled_shape(const Shape& x, const Axes& axes) { return {x[0], axes.height.out, axes.width.out, x[3]}; }

/// Calls fn(output offset, input offset, cells in the window) for every element of every window: plain loops for
/// references.
template <class Fn>
void for_each_window_element(const Shape& x, const Axes& axes, Fn&& fn) {
  const auto& [height, width] = axes;
  int64_t output = 0;
  for (int64_t n = 0; n < x[0]; ++n) {
    for (int64_t oh = 0; oh < height.out; ++oh) {
      for (int64_t ow = 0; ow < width.out; ++ow) {
        for (int64_t c = 0; c < x[3]; ++c, ++output) {
          for (int64_t h = height.begin(oh); h < height.end(oh); h += height.dilation) {
            for (int64_t w = width.begin(ow); w < width.end(ow); w += width.dilation) {
              if (h >= 0 && h < x[1] && w >= 0 && w < x[2]) {
                fn(output, ((n * x[1] + h) * x[2] + w) * x[3] + c, oh, ow);
              }
            }
          }
        }
      }
    }
  }
}

}  // namespace

// max_pool2d

OutputSpecs MaxPool2d::infer(Inputs in, const Options& options) {
  check_input(kName, in[0]);
  return {{pooled_shape(in[0].shape(), axes_of(in[0].shape(), options)), in[0].dtype()}};
}

TensorList MaxPool2d::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor x = ctx.dense(in[0]);
  const auto [height, width] = axes_of(x.shape(), options);
  const Tensor y = ctx.new_output();
  const DType index_dtype = height.kernel * width.kernel <= 256 ? DType::u8 : DType::i32;
  const Tensor index = ctx.is_recorded() ? ctx.new_empty(y.shape(), index_dtype) : Tensor{};
  kernels::max_pool(
      {.x = kernels::cref(x), .y = kernels::ref(y), .index = kernels::ref(index), .height = height, .width = width},
      ctx.stream());
  ctx.save(index);
  return {y};
}

TensorList MaxPool2d::backward(Context& ctx, Inputs grads, const Options& options) {
  const auto [height, width] = axes_of(ctx.input_shape(0), options);
  const Tensor grad = ctx.dense(grads[0]);
  const Tensor index = ctx.saved(0);
  const Tensor dx = ctx.new_grad(0);
  kernels::max_pool_backward({.grad = kernels::cref(grad),
                              .index = kernels::cref(index),
                              .dx = kernels::ref(dx),
                              .height = height,
                              .width = width},
                             ctx.stream());
  return {dx};
}

TensorList MaxPool2d::reference(Inputs in, const Options& options) {
  const Tensor x = in[0].to(DType::f64).contiguous();
  const Axes axes = axes_of(x.shape(), options);
  const Tensor y = Tensor::full(pooled_shape(x.shape(), axes), -std::numeric_limits<double>::infinity(), DType::f64);
  for_each_window_element(x.shape(), axes, [&](int64_t to, int64_t from, int64_t, int64_t) {
    double& best = y.data<double>()[to];
    const double value = x.data<double>()[from];
    best = std::isnan(value) || value > best ? value : best;
  });
  return {y.to(in[0].dtype())};
}

Tensor max_pool2d(const Tensor& x, const MaxPool2dOptions& options) {
  return autograd::apply<MaxPool2d>({x}, {.pool = options})[0];
}

Tensor adaptive_max_pool2d(const Tensor& x, Size2d out) {
  return autograd::apply<MaxPool2d>({x}, {.pool = {.kernel = {}}, .adaptive = out})[0];
}

// avg_pool2d

OutputSpecs AvgPool2d::infer(Inputs in, const Options& options) {
  check_input(kName, in[0]);
  return {{pooled_shape(in[0].shape(), axes_of(in[0].shape(), options)), in[0].dtype()}};
}

TensorList AvgPool2d::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor x = ctx.dense(in[0]);
  const auto [height, width] = axes_of(x.shape(), options);
  const Tensor y = ctx.new_output();
  kernels::avg_pool(
      {.x = kernels::cref(x), .y = kernels::ref(y), .height = height, .width = width, .divisor = divisor_of(options)},
      ctx.stream());
  return {y};
}

TensorList AvgPool2d::backward(Context& ctx, Inputs grads, const Options& options) {
  const Shape& x = ctx.input_shape(0);
  return autograd::apply<AvgPool2dBackward>({grads[0]}, {options, {x[1], x[2]}});
}

TensorList AvgPool2d::reference(Inputs in, const Options& options) {
  const Tensor x = in[0].to(DType::f64).contiguous();
  const Axes axes = axes_of(x.shape(), options);
  const Tensor y = Tensor::zeros(pooled_shape(x.shape(), axes), DType::f64);
  for_each_window_element(x.shape(), axes, [&](int64_t to, int64_t from, int64_t oh, int64_t ow) {
    const auto divisor = double(divisor_of(options).of(axes.height, axes.width, oh, ow));
    y.data<double>()[to] += x.data<double>()[from] / divisor;
  });
  return {y.to(in[0].dtype())};
}

Tensor avg_pool2d(const Tensor& x, const AvgPool2dOptions& options) {
  return autograd::apply<AvgPool2d>({x}, {.pool = options})[0];
}

Tensor adaptive_avg_pool2d(const Tensor& x, Size2d out) {
  return autograd::apply<AvgPool2d>({x}, {.pool = {.kernel = {}}, .adaptive = out})[0];
}

Tensor global_avg_pool(const Tensor& x) { return adaptive_avg_pool2d(x, {1, 1}); }

// avg_pool2d_backward

OutputSpecs AvgPool2dBackward::infer(Inputs in, const Options& options) {
  check_input(kName, in[0]);
  const Shape& grad = in[0].shape();
  const Shape x{grad[0], options.input.height, options.input.width, grad[3]};
  const Shape wanted = pooled_shape(x, axes_of(x, options.pool));
  LV_CHECK_SHAPE(grad == wanted, "{}: the gradient must be {}, got {}", kName, wanted, grad);
  return {{x, in[0].dtype()}};
}

TensorList AvgPool2dBackward::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor grad = ctx.dense(in[0]);
  const Tensor dx = ctx.new_output();
  const auto [height, width] = axes_of(dx.shape(), options.pool);
  kernels::avg_pool_backward({.grad = kernels::cref(grad),
                              .dx = kernels::ref(dx),
                              .height = height,
                              .width = width,
                              .divisor = divisor_of(options.pool)},
                             ctx.stream());
  return {dx};
}

TensorList AvgPool2dBackward::backward(Context&, Inputs grads, const Options& options) {
  return autograd::apply<AvgPool2d>({grads[0]}, options.pool);
}

TensorList AvgPool2dBackward::reference(Inputs in, const Options& options) {
  const Tensor grad = in[0].to(DType::f64).contiguous();
  const Shape x{grad.size(0), options.input.height, options.input.width, grad.size(3)};
  const Axes axes = axes_of(x, options.pool);
  const Tensor dx = Tensor::zeros(x, DType::f64);
  for_each_window_element(x, axes, [&](int64_t from, int64_t to, int64_t oh, int64_t ow) {
    const auto divisor = double(divisor_of(options.pool).of(axes.height, axes.width, oh, ow));
    dx.data<double>()[to] += grad.data<double>()[from] / divisor;
  });
  return {dx.to(in[0].dtype())};
}

}  // namespace lv::ops
