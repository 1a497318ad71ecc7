#include "ops/dropout.h"

#include "kernels/dropout.h"

namespace lv::ops {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;

namespace {

/// Elements that share a draw.
int64_t run_length(const Shape& x, const Dropout::Options& options) {
  return options.is_per_sample && numel(x) > 0 ? numel(x) / x[0] : 1;
}

Tensor drop(const Tensor& x, const Dropout::Options& options, Generator& generator) {
  if (options.rate == 0) {
    return x;
  }
  Dropout::Options drawn = options;
  drawn.key = generator.claim();
  return autograd::apply<Dropout>({x}, drawn)[0];
}

}  // namespace

OutputSpecs Dropout::infer(Inputs in, const Options& options) {
  LV_CHECK(options.rate >= 0 && options.rate < 1, "dropout: the rate must lie in [0, 1), got {}", options.rate);
  LV_CHECK_DTYPE(is_floating(in[0].dtype()), "dropout: x must be floating, got {}", in[0].dtype());
  LV_CHECK_SHAPE(!options.is_per_sample || in[0].rank() >= 1, "dropout: x needs an axis of samples, got {}",
                 in[0].shape());
  return {{in[0].shape(), in[0].dtype()}};
}

TensorList Dropout::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor x = ctx.dense(in[0]);
  const Tensor y = ctx.new_output();
  kernels::dropout({.x = kernels::cref(x),
                    .y = kernels::ref(y),
                    .key = options.key,
                    .run = run_length(x.shape(), options),
                    .rate = float(options.rate),
                    .scale = float(1.0 / (1.0 - options.rate))},
                   ctx.stream());
  return {y};
}

TensorList Dropout::backward(Context&, Inputs grads, const Options& options) {
  return autograd::apply<Dropout>({grads[0]}, options);
}

TensorList Dropout::reference(Inputs in, const Options& options) {
  const Tensor x = in[0].to(DType::f64).contiguous();
  const Tensor y = Tensor::empty(x.shape(), DType::f64);
  const auto scale = double(float(1.0 / (1.0 - options.rate)));
  for (int64_t i = 0; i < x.numel(); ++i) {
    const float draw = random_uniform(options.key, i / run_length(x.shape(), options));
    y.data<double>()[i] = draw >= float(options.rate) ? x.data<double>()[i] * scale : 0.0;
  }
  return {y.to(in[0].dtype())};
}

Tensor dropout(const Tensor& x, double rate, Generator& generator) { return drop(x, {.rate = rate}, generator); }

Tensor drop_path(const Tensor& x, double rate, Generator& generator) {
  return drop(x, {.rate = rate, .is_per_sample = true}, generator);
}

}  // namespace lv::ops
