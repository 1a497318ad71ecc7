#pragma once

#include "autograd/function.h"

namespace example {

/// y = a + factor * b in one pass.
struct ScaledAdd {
  static constexpr std::string_view kName = "scaled_add";
  static constexpr auto kCast = lv::autograd::CastPolicy::follow;
  static constexpr auto kSecondOrder = lv::autograd::SecondOrder::reference;
  struct Options {
    double factor = 1.0;
  };
  static lv::autograd::OutputSpecs infer(lv::autograd::Inputs in, const Options& options);
  static lv::TensorList forward(lv::autograd::Context& ctx, lv::autograd::Inputs in, const Options& options);
  static lv::TensorList backward(lv::autograd::Context& ctx, lv::autograd::Inputs grads, const Options& options);
  static lv::TensorList reference(lv::autograd::Inputs in, const Options& options);
};

/// a + factor * b. a, b: one shape, one floating dtype. Differentiable in both. Throws ShapeError, DTypeError.
lv::Tensor scaled_add(const lv::Tensor& a, const lv::Tensor& b, double factor);

}  // namespace example
