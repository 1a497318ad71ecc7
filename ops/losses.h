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

}  // namespace lv::ops
