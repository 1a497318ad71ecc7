#include "autograd/basic_ops.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/losses.h"
#include "ops/pair_loss_definitions.h"
#include "ops/reduce.h"
#include "ops/shape.h"

namespace lv::ops {

namespace {

Tensor reduce(const Tensor& losses, Reduction reduction) {
  switch (reduction) {
    case Reduction::mean:
      return mean(losses);
    case Reduction::sum:
      return sum(losses);
    case Reduction::none:
      break;
  }
  return losses;
}

/// The loss of two tensors that broadcast.
template <class Loss>
Tensor apply_loss(const Tensor& input, const Tensor& target, const PairLossOptions& options) {
  const Shape shape = broadcast_shapes(input.shape(), target.shape(), Loss::kName);
  return autograd::apply<Loss>({autograd::expand(input, shape), autograd::expand(target, shape)}, options)[0];
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return apply_loss<MseLoss>(input, target, {.reduction = reduction});
}

Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return apply_loss<L1Loss>(input, target, {.reduction = reduction});
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, double beta, Reduction reduction) {
  return apply_loss<SmoothL1Loss>(input, target, {.reduction = reduction, .parameter = beta});
}

Tensor bce_with_logits(const Tensor& logits, const Tensor& target, const BceOptions& options) {
  const auto& [weight, pos_weight, reduction] = options;
  if (!weight.defined() && !pos_weight.defined()) {
    return apply_loss<BceWithLogits>(logits, target, {.reduction = reduction});
  }
  Tensor losses;
  if (pos_weight.defined()) {
    // (1 - t) x + softplus(-x), the second term times 1 + (w - 1) t
    losses = (1.0 - target) * logits + softplus(-logits) * (1.0 + (pos_weight - 1.0) * target);
  } else {
    losses = apply_loss<BceWithLogits>(logits, target, {.reduction = Reduction::none});
  }
  return reduce(weight.defined() ? losses * weight : losses, reduction);
}

Tensor kl_div(const Tensor& log_input, const Tensor& target, const KlOptions& options) {
  const bool is_batch_mean = options.reduction == Reduction::mean && options.divides_by_batch;
  const PairLossOptions how{.reduction = is_batch_mean ? Reduction::sum : options.reduction};
  const Tensor loss =
      options.is_log_target ? apply_loss<KlDivLog>(log_input, target, how) : apply_loss<KlDiv>(log_input, target, how);
  if (!is_batch_mean) {
    return loss;
  }
  const Shape shape = broadcast_shapes(log_input.shape(), target.shape(), "kl_div");
  LV_CHECK_SHAPE(shape.rank() >= 1, "kl_div: the mean over the batch needs an axis, got {}", shape);
  return loss / double(shape[0]);
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const NllOptions& options) {
  const auto& [weight, ignore_index, reduction] = options;
  LV_CHECK_SHAPE(log_probabilities.rank() == labels.rank() + 1,
                 "nll_loss: wants log-probabilities [.., K] and labels [..], got {} and {}", log_probabilities.shape(),
                 labels.shape());
  LV_CHECK_SHAPE(!weight.defined() || weight.shape() == Shape{log_probabilities.size(-1)},
                 "nll_loss: weight must be [{}], got {} (log-probabilities {})", log_probabilities.size(-1),
                 weight.shape(), log_probabilities.shape());
  const Tensor is_counted = ne(labels, double(ignore_index));
  const Tensor classes = where(is_counted, labels, 0.0);
  const Tensor chosen = squeeze(gather(log_probabilities, -1, unsqueeze(classes, labels.rank())), -1);
  Tensor weights = is_counted.to(log_probabilities.dtype());
  if (weight.defined()) {
    weights = weights * reshape(index_select(weight, 0, reshape(classes, {labels.numel()})), labels.shape());
  }
  const Tensor losses = where(is_counted, -chosen * weights, 0.0);
  return reduction == Reduction::mean ? sum(losses) / sum(weights) : reduce(losses, reduction);
}

}  // namespace lv::ops
