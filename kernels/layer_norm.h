#pragma once

#include "kernels/channel_norm.h"

namespace lv::kernels {

/// y = (x - mean) / sqrt(variance + eps) * weight + bias, each row with its own statistics. x, y: [R, C] of one
/// floating dtype, any row step; weight, bias: [C] or absent; mean, inv_std: [R]; all of these in the accumulation
/// type.
struct LayerNormArgs {
  ConstTensorRef x;
  ConstTensorRef weight;
  ConstTensorRef bias;
  double eps = 0;
  TensorRef y;
  TensorRef mean;
  TensorRef inv_std;
};
LV_KERNEL(layer_norm, LayerNormArgs)

/// grad_x: [R, C] or absent. parameter_grads: [2, C], the gradients of weight and bias, or absent; summed by chunks of
/// rows (Note [Chunks of rows]). partials: workspace of [channel_chunks(R, C), 2, C].
struct LayerNormGradArgs {
  ConstTensorRef grad_y;
  ConstTensorRef x;
  ConstTensorRef weight;
  ConstTensorRef mean;
  ConstTensorRef inv_std;
  TensorRef grad_x;
  TensorRef partials;
  TensorRef parameter_grads;
};
LV_KERNEL(layer_norm_grad, LayerNormGradArgs)

}  // namespace lv::kernels
