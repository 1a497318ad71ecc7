#pragma once

#include "autograd/function.h"
#include "ops/conv.h"

// The op structs behind ops/conv.h; only their specs and their .cpp include this.
//
// A convolution is a form that is linear in x, weight and output gradient. Its two gradients are ops beside it, and the
// gradients of each of the three are the other two: all orders of differentiation run on three kernels.

namespace lv::ops {

using autograd::CastPolicy;
using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using autograd::SecondOrder;

/// Inputs: x, weight, bias, residual (these two may be absent).
struct Conv2d {
  static constexpr std::string_view kName = "conv2d";
  static constexpr CastPolicy kCast = CastPolicy::low;
  static constexpr SecondOrder kSecondOrder = SecondOrder::composed;
  using Options = Conv2dOptions;
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
};

/// Inputs: grad [N, OH, OW, O], weight -> x's gradient [N, H, W, C].
struct Conv2dInputGrad {
  static constexpr std::string_view kName = "conv2d_input_grad";
  static constexpr CastPolicy kCast = CastPolicy::low;
  static constexpr SecondOrder kSecondOrder = SecondOrder::composed;
  struct Options {
    Conv2dOptions conv;  // without ReLU
    Size2d input;        // H, W
  };
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
};

/// Inputs: x, grad -> weight's gradient [O, C / groups, KH, KW], in memory [O, KH, KW, C / groups].
struct Conv2dWeightGrad {
  static constexpr std::string_view kName = "conv2d_weight_grad";
  static constexpr CastPolicy kCast = CastPolicy::low;
  static constexpr SecondOrder kSecondOrder = SecondOrder::composed;
  struct Options {
    Conv2dOptions conv;  // without ReLU
    Size2d kernel;
  };
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
};

}  // namespace lv::ops
