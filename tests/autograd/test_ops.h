#pragma once

#include "autograd/function.h"

// Small ops written for the tests of the engine: float64 on the host, plain loops.

namespace lv::test {

using autograd::CastPolicy;
using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using autograd::SecondOrder;

/// fn(x[i]...) for tensors of one shape.
template <class Fn, class... Rest>
Tensor map_elements(Fn&& fn, const Tensor& first, const Rest&... rest) {
  const Tensor y = Tensor::empty(first.shape(), DType::f64);
  const std::array<Tensor, 1 + sizeof...(Rest)> in{first.contiguous(), rest.contiguous()...};
  for (int64_t i = 0; i < y.numel(); ++i) {
    y.data<double>()[i] =
        std::apply([&](const auto&... tensors) { return fn(tensors.template data<double>()[i]...); }, in);
  }
  return y;
}

struct TestOp {
  static constexpr CastPolicy kCast = CastPolicy::none;
  static constexpr SecondOrder kSecondOrder = SecondOrder::composed;
  struct Options {};
  static OutputSpecs infer(Inputs in, const Options&) { return {{in[0].shape(), in[0].dtype()}}; }
  static TensorList reference(Inputs in, const Options&) { return {in[0]}; }
};

/// a * b. Saves both inputs; its gradient is made of products again.
struct Multiply : TestOp {
  static constexpr std::string_view kName = "test_multiply";
  static TensorList forward(Context& ctx, Inputs in, const Options&) {
    ctx.save(in[0]);
    ctx.save(in[1]);
    return {map_elements(std::multiplies<>(), in[0], in[1])};
  }
  static TensorList backward(Context& ctx, Inputs grads, const Options&) {
    TensorList result(2);
    for (int i = 0; i < 2; ++i) {
      if (ctx.needs_grad(i)) {
        result[i] = autograd::apply<Multiply>({grads[0], ctx.saved(1 - i)})[0];
      }
    }
    return result;
  }
};

inline Tensor multiply(const Tensor& a, const Tensor& b) { return autograd::apply<Multiply>({a, b})[0]; }

}  // namespace lv::test
