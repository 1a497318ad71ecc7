#pragma once

#include "kernels/dispatch.h"

// The arithmetic of group norm on single groups of channels, in the accumulation type. The passes over activations are
// in kernels/channel_norm.h, with one group of rows per sample.

namespace lv::kernels {

/// From the moments of single channels [N, C] to those of `groups` equal runs of channels, spread over the channels
/// again. coefficients: [4, N, C] = mean, inv_std, scale = weight * inv_std, offset = bias. weight, bias: [C] or
/// absent.
struct GroupNormCoefficientsArgs {
  ConstTensorRef mean;
  ConstTensorRef variance;
  ConstTensorRef weight;
  ConstTensorRef bias;
  int64_t groups = 1;
  double eps = 0;
  TensorRef group_mean;
  TensorRef inv_std;
  TensorRef scale;
  TensorRef offset;
};
LV_KERNEL(group_norm_coefficients, GroupNormCoefficientsArgs)

/// Slope and shift of channel_grad, [N, C], from its sums [N, 2, C] and the forward coefficients. rows: rows of a
/// sample.
struct GroupNormGradCoefficientsArgs {
  ConstTensorRef sums;
  ConstTensorRef inv_std;
  ConstTensorRef scale;
  int64_t groups = 1;
  int64_t rows = 0;
  TensorRef slope;
  TensorRef shift;
};
LV_KERNEL(group_norm_grad_coefficients, GroupNormGradCoefficientsArgs)

}  // namespace lv::kernels
