#include "scaled_add.h"

#include "kernels/scaled_add.h"
#include "ops/elementwise.h"

namespace example {

using namespace lv;
using autograd::Context;
using autograd::Inputs;

namespace {

Tensor launch(const Context& ctx, const Tensor& a, const Tensor& b, double factor, const Tensor& y) {
  // The kernel walks dense arrays; another layout is copied first, and counted.
  const Tensor dense_a = ctx.dense(a);
  const Tensor dense_b = ctx.dense(b);
  kernels::scaled_add(
      {.a = kernels::cref(dense_a), .b = kernels::cref(dense_b), .y = kernels::ref(y), .factor = factor}, ctx.stream());
  return y;
}

}  // namespace

autograd::OutputSpecs ScaledAdd::infer(Inputs in, const Options&) {
  LV_CHECK_SHAPE(in[0].shape() == in[1].shape(), "scaled_add: shapes differ: a {}, b {}", in[0].shape(), in[1].shape());
  LV_CHECK_DTYPE(in[0].dtype() == in[1].dtype(), "scaled_add: dtypes differ: a {}, b {}; cast one of them",
                 in[0].dtype(), in[1].dtype());
  return {{in[0].shape(), in[0].dtype()}};
}

TensorList ScaledAdd::forward(Context& ctx, Inputs in, const Options& options) {
  return {launch(ctx, in[0], in[1], options.factor, ctx.new_output())};
}

TensorList ScaledAdd::backward(Context& ctx, Inputs grads, const Options& options) {
  TensorList result(2);
  if (ctx.needs_grad(0)) {
    result[0] = grads[0];
  }
  if (ctx.needs_grad(1)) {
    const Tensor zero = Tensor::zeros(ctx.input_shape(1), ctx.input_dtype(1), grads[0].device());
    result[1] = launch(ctx, zero, grads[0], options.factor, ctx.new_grad(1));
  }
  return result;
}

TensorList ScaledAdd::reference(Inputs in, const Options& options) { return {in[0] + in[1] * options.factor}; }

Tensor scaled_add(const Tensor& a, const Tensor& b, double factor) {
  return autograd::apply<ScaledAdd>({a, b}, {factor})[0];
}

}  // namespace example
