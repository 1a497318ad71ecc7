#pragma once

#include "kernels/dispatch.h"

namespace lv::kernels {

/// Rows whose losses are added up by one task; the sums of the chunks are added in their order.
inline int64_t loss_chunk_rows(int64_t classes) { return std::max<int64_t>(1, 32768 / std::max<int64_t>(classes, 1)); }

/// What both passes read. logits: [R, K], any row step, of a floating dtype; either labels, i64 [R], or targets, [R, K]
/// in logits' dtype. All else is in the accumulation type. weight: [K] or absent. A row's target distribution is the
/// label's or its targets, mixed with `smoothing` parts of the uniform one, and each class counts by its weight. Rows
/// labelled ignore_index count nothing; a label that is neither this nor a class makes its loss NaN.
struct CrossEntropyInputs {
  ConstTensorRef logits;
  ConstTensorRef labels;
  ConstTensorRef targets;
  ConstTensorRef weight;
  double smoothing = 0;
  int64_t ignore_index = 0;
};

/// normalizers: [R, 2], of each row the largest logit and the logarithm of sum(exp(logit - largest)): apart, so that
/// large logits lose nothing. row_losses: [R]. total: [2] or absent: sum(row_losses), divided by the rows' total weight
/// if is_mean, and this weight. partials: workspace of [chunks, 2] where total is wanted.
struct CrossEntropyArgs {
  CrossEntropyInputs in;
  bool is_mean = false;
  TensorRef normalizers;
  TensorRef row_losses;
  TensorRef partials;
  TensorRef total;
};
LV_KERNEL(cross_entropy, CrossEntropyArgs)

/// grad_loss: [R], any step, in logits' dtype. divisor: one number or absent. grad_logits, grad_targets: [R, K],
/// row-major, in logits' dtype, or absent.
struct CrossEntropyGradArgs {
  CrossEntropyInputs in;
  ConstTensorRef normalizers;
  ConstTensorRef grad_loss;
  ConstTensorRef divisor;
  TensorRef grad_logits;
  TensorRef grad_targets;
};
LV_KERNEL(cross_entropy_grad, CrossEntropyGradArgs)

}  // namespace lv::kernels
