#pragma once

#include "autograd/function.h"
#include "ops/matmul.h"

// The op structs behind ops/matmul.h; only their specs and their .cpp include this.

namespace lv::ops {

using autograd::CastPolicy;
using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using autograd::SecondOrder;

/// Inputs: a, b, bias (may be absent). The gradients of a product are products with one operand transposed, so the op
/// takes transposed operands and its backward needs no other.
struct Matmul {
  static constexpr std::string_view kName = "matmul";
  static constexpr CastPolicy kCast = CastPolicy::low;
  static constexpr SecondOrder kSecondOrder = SecondOrder::composed;
  struct Options {
    bool transpose_a = false;  // a is [.., K, M]
    bool transpose_b = false;  // b is [.., N, K]
    Activation activation = Activation::none;
  };
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
};

/// Inputs: x, weight, bias (may be absent).
struct Linear {
  static constexpr std::string_view kName = "linear";
  static constexpr CastPolicy kCast = CastPolicy::low;
  static constexpr SecondOrder kSecondOrder = SecondOrder::composed;
  struct Options {
    Activation activation = Activation::none;
  };
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
};

/// Inputs: u, v.
struct OuterSum {
  static constexpr std::string_view kName = "outer_sum";
  static constexpr CastPolicy kCast = CastPolicy::low;
  static constexpr SecondOrder kSecondOrder = SecondOrder::composed;
  struct Options {};
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
};

}  // namespace lv::ops
