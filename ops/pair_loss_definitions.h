#pragma once

#include "autograd/function.h"
#include "kernels/pair_loss.h"
#include "ops/losses.h"

// The op structs behind the losses of single elements in ops/losses.h, for specs.

namespace lv::ops {

struct PairLossOptions {
  Reduction reduction = Reduction::mean;
  double parameter = 1;  // smooth_l1_loss: beta
};

namespace detail {

autograd::OutputSpecs infer_pair_loss(std::string_view op, autograd::Inputs in, const PairLossOptions& options);
TensorList run_pair_loss(kernels::PairLoss loss, autograd::Context& ctx, autograd::Inputs in,
                         const PairLossOptions& options);
TensorList differentiate_pair_loss(kernels::PairLoss loss, autograd::Context& ctx, autograd::Inputs grads,
                                   const PairLossOptions& options);
/// Composed of differentiable ops.
TensorList pair_loss_reference(kernels::PairLoss loss, autograd::Inputs in, const PairLossOptions& options);

}  // namespace detail

/// Inputs: input and target, of one shape and dtype.
template <kernels::PairLoss kLoss>
struct PairLossOf {
  static constexpr std::string_view kName = kernels::kPairLossNames[size_t(kLoss)];
  static constexpr auto kCast = autograd::CastPolicy::full;
  static constexpr auto kSecondOrder = autograd::SecondOrder::composed;
  using Options = PairLossOptions;
  static autograd::OutputSpecs infer(autograd::Inputs in, const Options& options) {
    return detail::infer_pair_loss(kName, in, options);
  }
  static TensorList forward(autograd::Context& ctx, autograd::Inputs in, const Options& options) {
    return detail::run_pair_loss(kLoss, ctx, in, options);
  }
  static TensorList backward(autograd::Context& ctx, autograd::Inputs grads, const Options& options) {
    return detail::differentiate_pair_loss(kLoss, ctx, grads, options);
  }
  static TensorList reference(autograd::Inputs in, const Options& options) {
    return detail::pair_loss_reference(kLoss, in, options);
  }
};

using MseLoss = PairLossOf<kernels::PairLoss::squared>;
using L1Loss = PairLossOf<kernels::PairLoss::absolute>;
using SmoothL1Loss = PairLossOf<kernels::PairLoss::smooth>;
using BceWithLogits = PairLossOf<kernels::PairLoss::binary>;
using KlDiv = PairLossOf<kernels::PairLoss::divergence>;
using KlDivLog = PairLossOf<kernels::PairLoss::log_divergence>;

}  // namespace lv::ops
