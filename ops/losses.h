#pragma once

#include "core/tensor.h"

namespace lv::ops {

/// What becomes of the losses of single elements or rows.
enum class Reduction : uint8_t { none, mean, sum };

struct CrossEntropyOptions {
  double label_smoothing = 0;   // this much of the target distribution is spread evenly over the classes
  int64_t ignore_index = -100;  // rows with this label have no loss and no gradient
  Reduction reduction = Reduction::mean;
};

/// -sum over the classes of target * log_softmax(logits), in one pass that keeps no probabilities.
/// logits: [..., K], floating. target: labels, i64 [...], or distributions, [..., K] in logits' dtype. weight: [K] or
/// absent; each class's loss counts by it. The result, in logits' dtype, has the leading shape for Reduction::none,
/// else rank 0; the mean is over the weights of the rows' labels (with distributions: over the rows) and NaN where all
/// are ignored. Differentiable in logits and in distributions. A label that is neither a class nor ignore_index throws
/// Error on the host; on a device, where it would cost a synchronisation, the row's loss is NaN. Throws ShapeError,
/// DTypeError.
Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& options = {});
Tensor cross_entropy(const Tensor& logits, const Tensor& target, const Tensor& weight,
                     const CrossEntropyOptions& options);

// Losses of single elements, in one pass for the value and one for the gradients: input and target broadcast and have
// one floating dtype, in which the result is. Differentiable in both, any number of times. Throw ShapeError and
// DTypeError.

/// (input - target)^2
Tensor mse_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::mean);
/// |input - target|
Tensor l1_loss(const Tensor& input, const Tensor& target, Reduction reduction = Reduction::mean);
/// d^2 / (2 beta) for d = |input - target| below beta, else d - beta / 2.
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, double beta = 1.0,
                      Reduction reduction = Reduction::mean);

struct BceOptions {
  Tensor weight = {};      // of each element's loss; broadcasts, absent: 1
  Tensor pos_weight = {};  // of the term of a positive target; broadcasts, absent: 1
  Reduction reduction = Reduction::mean;
};
/// Binary cross-entropy of sigmoid(logits) with targets in [0, 1], finite for any logit.
Tensor bce_with_logits(const Tensor& logits, const Tensor& target, const BceOptions& options = {});

struct KlOptions {
  bool is_log_target = false;     // the target holds logarithms too
  bool divides_by_batch = false;  // the mean is over the first axis only: the divergence of a distribution
  Reduction reduction = Reduction::mean;
};
/// target (log(target) - log_input), 0 where the target is 0: the divergence of the distribution in log_input from the
/// target.
Tensor kl_div(const Tensor& log_input, const Tensor& target, const KlOptions& options = {});

struct NllOptions {
  Tensor weight = {};           // [K]; each row's loss counts by the weight of its label
  int64_t ignore_index = -100;  // rows with this label have no loss and no gradient
  Reduction reduction = Reduction::mean;
};
/// -log_probability of each row's label. log_probabilities: [.., K]; labels: i64 [..]. The mean is over the weights of
/// the rows' labels, and NaN where all are ignored. Differentiable in log_probabilities, any number of times.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const NllOptions& options = {});

}  // namespace lv::ops
