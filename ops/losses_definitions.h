#pragma once

#include "ops/losses.h"
#include "ops/op_struct.h"

// The op structs behind ops/losses.h, for specs.

namespace lv::ops {

/// Inputs: logits, labels or distributions, weight.
struct CrossEntropy {
  static constexpr std::string_view kName = "cross_entropy";
  static constexpr auto kCast = autograd::CastPolicy::full;
  static constexpr auto kSecondOrder = autograd::SecondOrder::none;
  using Options = CrossEntropyOptions;
  static autograd::OutputSpecs infer(autograd::Inputs in, const Options& options);
  static TensorList forward(autograd::Context& ctx, autograd::Inputs in, const Options& options);
  static TensorList backward(autograd::Context& ctx, autograd::Inputs grads, const Options& options);
  static TensorList reference(autograd::Inputs in, const Options& options);
};

}  // namespace lv::ops
