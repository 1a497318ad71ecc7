#pragma once

#include "kernels/dispatch.h"

// The arithmetic of batch norm on single channels: everything here is [groups, C] and in the accumulation type. The
// passes over activations are in kernels/channel_norm.h.

namespace lv::kernels {

/// The number of values behind each statistic: `count`, or the single element of `total` where it is known only on the
/// device (statistics over several processes).
struct BatchNormCount {
  double count = 0;
  ConstTensorRef total;
};

/// coefficients: [3, groups, C] = inv_std, scale = weight * inv_std, offset = bias, with
/// inv_std = 1 / sqrt(variance + eps). weight, bias: [C] or absent.
/// unbiased: [groups, C] = variance * n / (n - 1), or absent.
struct BatchNormCoefficientsArgs {
  ConstTensorRef variance;
  ConstTensorRef weight;
  ConstTensorRef bias;
  double eps = 0;
  BatchNormCount count;
  TensorRef coefficients;
  TensorRef unbiased;
};
LV_KERNEL(batch_norm_coefficients, BatchNormCoefficientsArgs)

/// Slope and shift of channel_grad, [2, groups, C], from its sums [groups, 2, C] and the forward coefficients.
struct BatchNormGradCoefficientsArgs {
  ConstTensorRef sums;
  ConstTensorRef coefficients;
  BatchNormCount count;
  TensorRef slope_shift;
};
LV_KERNEL(batch_norm_grad_coefficients, BatchNormGradCoefficientsArgs)

/// parameter_grads: [2, C], the gradients of weight and bias, from the sums [groups, 2, C] and inv_std [groups, C].
struct BatchNormParameterGradsArgs {
  ConstTensorRef sums;
  ConstTensorRef inv_std;
  TensorRef parameter_grads;
};
LV_KERNEL(batch_norm_parameter_grads, BatchNormParameterGradsArgs)

/// running += momentum * (mean over the groups - running), for mean and variance. mean, variance: [groups, C].
struct BatchNormUpdateArgs {
  ConstTensorRef mean;
  ConstTensorRef variance;
  double momentum = 0;
  TensorRef running_mean;
  TensorRef running_var;
};
LV_KERNEL(batch_norm_update, BatchNormUpdateArgs)

/// Joins the moments of several processes. parts: [ranks, 2 * groups * C + 1], each row a rank's means, variances and
/// count; mean, variance: [groups, C]; total: [1].
struct BatchNormJoinArgs {
  ConstTensorRef parts;
  TensorRef mean;
  TensorRef variance;
  TensorRef total;
};
LV_KERNEL(batch_norm_join, BatchNormJoinArgs)

}  // namespace lv::kernels
