#pragma once

#include "nn/module.h"
#include "ops/norm.h"

namespace lv::nn {

/// Batch norm over the last axis. Parameters: weight (ones), bias (zeros), [channels]; buffers: running_mean (zeros),
/// running_var (ones), num_batches_tracked (i64). Training uses and updates statistics, evaluation the running ones.
class BatchNorm final : public Module {
 public:
  explicit BatchNorm(int64_t channels, double momentum = 0.1, double eps = 1e-5);

  [[nodiscard]] Tensor forward(const Tensor& x) { return run(x, {}, false); }
  /// ReLU of the result, in the same pass.
  [[nodiscard]] Tensor forward_relu(const Tensor& x) { return run(x, {}, true); }
  /// ReLU of the result plus `residual`, in the same pass.
  [[nodiscard]] Tensor forward_add_relu(const Tensor& x, const Tensor& residual) { return run(x, residual, true); }
  [[nodiscard]] double eps() const { return eps_; }

  Tensor weight;
  Tensor bias;
  Tensor running_mean;
  Tensor running_var;
  Tensor num_batches_tracked;

 private:
  Tensor run(const Tensor& x, const Tensor& residual, bool relu);

  double momentum_;
  double eps_;
};

/// Layer norm over the last axis. Parameters: weight (ones), bias (zeros), [channels].
class LayerNorm final : public Module {
 public:
  explicit LayerNorm(int64_t channels, double eps = 1e-5);
  [[nodiscard]] Tensor forward(const Tensor& x) const;

  Tensor weight;
  Tensor bias;

 private:
  double eps_;
};

/// Group norm over the channels of channels-last arrays. Parameters: weight (ones), bias (zeros), [channels].
class GroupNorm final : public Module {
 public:
  GroupNorm(int groups, int64_t channels, double eps = 1e-5);
  [[nodiscard]] Tensor forward(const Tensor& x) const;

  Tensor weight;
  Tensor bias;

 private:
  int groups_;
  double eps_;
};

}  // namespace lv::nn
