#pragma once

#include "core/communicator.h"
#include "core/tensor.h"

namespace lv::ops {

// Norms take x in f32, f64, f16 or bf16 and return its dtype. Statistics and parameters stay in f32 for 16-bit x (f64
// for f64), also under autocast; parameters in x's own 16-bit type are accepted.

struct BatchNormOptions {
  /// Statistics of the batch. Otherwise those of the running buffers, taken as constants: evaluation, or training with
  /// frozen statistics.
  bool training = true;
  /// Weight of the batch in the running statistics.
  double momentum = 0.1;
  double eps = 1e-5;
  /// The first axis is split into this many equal runs, each with statistics of its own, as if each were the batch of
  /// one process. Running statistics move towards the mean over the groups.
  int stat_groups = 1;
  /// Whether training moves the running buffers. A recomputed checkpoint segment never moves them.
  bool update_running = true;
  /// max(0, .) of the result, residual included.
  bool relu = false;
  /// Statistics over all processes of a group; must outlive the backward pass. Gradients of weight and bias are this
  /// process's share.
  Communicator* communicator = nullptr;
};

/// Normalises each channel over all other axes: y = (x - mean) / sqrt(variance + eps) * weight + bias [+ residual],
/// then ReLU if asked. Training uses the biased variance; running_var receives the unbiased one.
/// x: [N, ..., C] channels last; weight, bias, running_mean, running_var: [C], each may be absent (the running ones
/// only in training); residual: as x, or absent. Differentiable in x, weight, bias and residual. Throws ShapeError,
/// DTypeError; in training also when there is one value per channel.
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
                  const Tensor& running_var, const BatchNormOptions& options = {}, const Tensor& residual = {});

/// Weight and bias of a convolution or linear layer.
struct WeightAndBias {
  Tensor weight;
  Tensor bias;
};

/// The layer that does at once what `conv_weight` and `conv_bias` do followed by batch_norm with these statistics.
/// conv_weight: [O, ...]; conv_bias, weight, bias: [O], each may be absent; running_mean, running_var: [O]. Computed in
/// f64 and rounded once to conv_weight's dtype. Differentiable. Throws ShapeError.
WeightAndBias fold_batch_norm(const Tensor& conv_weight, const Tensor& conv_bias, const Tensor& weight,
                              const Tensor& bias, const Tensor& running_mean, const Tensor& running_var,
                              double eps = 1e-5);

struct LayerNormOptions {
  double eps = 1e-5;
};

/// Normalises along the last axis: y = (x - mean) / sqrt(variance + eps) * weight + bias, with the biased variance.
/// x: [..., C]; weight, bias: [C] or absent. Differentiable in all of them. Throws ShapeError, DTypeError.
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const LayerNormOptions& options = {});

struct GroupNormOptions {
  int groups = 32;
  double eps = 1e-5;
};

/// Splits the channels into `groups` equal runs and normalises each over its channels and all axes between the first
/// and the last. x: [N, ..., C] channels last; weight, bias: [C] or absent. Differentiable in all of them. Throws
/// ShapeError, DTypeError.
Tensor group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const GroupNormOptions& options);

/// x / max(|x|, eps) with the L2 norm along `axis`. x: any shape of rank 1 or more. Differentiable; below eps the norm
/// counts as constant. Throws ShapeError, DTypeError.
Tensor l2_normalize(const Tensor& x, int axis = -1, double eps = 1e-12);

/// g * v / |v| with the L2 norm over all axes but the first: the weight of a layer from direction and length.
/// v: [out, ...]; g: [out, 1, ...]. Differentiable in both; not a number where |v| = 0. Throws ShapeError, DTypeError.
Tensor weight_norm(const Tensor& v, const Tensor& g);

/// a.b / (max(|a|, eps) max(|b|, eps)) along `axis`, which the result lacks. a, b: shapes that broadcast, one dtype.
/// Differentiable in both; below eps a norm counts as constant. Throws ShapeError, DTypeError.
Tensor cosine_similarity(const Tensor& a, const Tensor& b, int axis = -1, double eps = 1e-8);

}  // namespace lv::ops
