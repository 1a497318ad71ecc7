#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/losses.h"
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

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return reduce(square(input - target), reduction);
}

Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction) {
  return reduce(abs(input - target), reduction);
}

Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, double beta, Reduction reduction) {
  LV_CHECK(beta > 0, "smooth_l1_loss: beta must be positive, got {}", beta);
  const Tensor distance = abs(input - target);
  return reduce(where(lt(distance, beta), square(distance) * (0.5 / beta), distance - 0.5 * beta), reduction);
}

Tensor bce_with_logits(const Tensor& logits, const Tensor& target, const BceOptions& options) {
  // -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)) = (1 - t) x + softplus(-x), the second term times 1 + (w - 1) t.
  Tensor tail = softplus(-logits);
  if (options.pos_weight.defined()) {
    tail = tail * (1.0 + (options.pos_weight - 1.0) * target);
  }
  Tensor losses = (1.0 - target) * logits + tail;
  if (options.weight.defined()) {
    losses = losses * options.weight;
  }
  return reduce(losses, options.reduction);
}

Tensor kl_div(const Tensor& log_input, const Tensor& target, const KlOptions& options) {
  Tensor losses;
  if (options.is_log_target) {
    losses = exp(target) * (target - log_input);
  } else {
    const Tensor is_positive = gt(target, 0.0);
    // The logarithm of 1 in place of 0, so that neither the value nor the gradient multiplies infinity by zero.
    losses = target * (log(where(is_positive, target, 1.0)) - where(is_positive, log_input, 0.0));
  }
  if (options.reduction == Reduction::mean && options.divides_by_batch) {
    LV_CHECK_SHAPE(losses.rank() >= 1, "kl_div: the mean over the batch needs an axis, got {}", losses.shape());
    return sum(losses) / double(losses.size(0));
  }
  return reduce(losses, options.reduction);
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, Reduction reduction) {
  LV_CHECK_SHAPE(log_probabilities.rank() == labels.rank() + 1,
                 "nll_loss: wants log-probabilities [.., K] and labels [..], got {} and {}", log_probabilities.shape(),
                 labels.shape());
  const Tensor chosen = gather(log_probabilities, -1, unsqueeze(labels, labels.rank()));
  return reduce(-squeeze(chosen, -1), reduction);
}

}  // namespace lv::ops
