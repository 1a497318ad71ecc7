#pragma once

#include "autograd/function.h"

namespace lv::ops {

struct HungarianMatchOptions {
  bool maximize = false;  // the sum of scores; else the least sum
};

/// Gives each row of B score matrices a column of its own, so that as many rows as possible have one and the sum of the
/// scores of these pairs is optimal: exactly, by shortest augmenting paths in float64. A pair whose score is infinite
/// or not a number is forbidden. scores: [B, K, N], f32 or f64; rows: [B, K], bool, those that take part, or undefined
/// for all -> [B, K], i64: each row's column, -1 for rows that take no part or find none. Which of several optima is
/// found is fixed, the same on every device. Not differentiable. Throws ShapeError, DTypeError.
Tensor hungarian_match(const Tensor& scores, const Tensor& rows = {}, const HungarianMatchOptions& options = {});

struct HungarianMatch {
  static constexpr std::string_view kName = "hungarian_match";
  static constexpr auto kCast = autograd::CastPolicy::full;
  static constexpr auto kSecondOrder = autograd::SecondOrder::none;
  using Options = HungarianMatchOptions;
  static autograd::OutputSpecs infer(autograd::Inputs in, const Options& options);
  static TensorList forward(autograd::Context& ctx, autograd::Inputs in, const Options& options);
  static TensorList backward(autograd::Context& ctx, autograd::Inputs grads, const Options& options);
  static TensorList reference(autograd::Inputs in, const Options& options);
};

}  // namespace lv::ops
