#include "nn/norm.h"

namespace lv::nn {

BatchNorm::BatchNorm(int64_t channels, double momentum, double eps)
    : weight(Tensor::full({channels}, 1.0)),
      bias(Tensor::zeros({channels})),
      running_mean(Tensor::zeros({channels})),
      running_var(Tensor::full({channels}, 1.0)),
      num_batches_tracked(Tensor::zeros({}, DType::i64)),
      momentum_(momentum),
      eps_(eps) {
  add_parameter("weight", weight);
  add_parameter("bias", bias);
  add_buffer("running_mean", running_mean);
  add_buffer("running_var", running_var);
  add_buffer("num_batches_tracked", num_batches_tracked);
}

Tensor BatchNorm::run(const Tensor& x, const Tensor& residual, bool relu) {
  if (is_training() && !autograd::is_recomputing()) {
    ++*num_batches_tracked.data<int64_t>();
  }
  return run_layer("BatchNorm", x, [&] {
    return ops::batch_norm(x, weight, bias, running_mean, running_var,
                           {.training = is_training(), .momentum = momentum_, .eps = eps_, .relu = relu}, residual);
  });
}

LayerNorm::LayerNorm(int64_t channels, double eps)
    : weight(Tensor::full({channels}, 1.0)), bias(Tensor::zeros({channels})), eps_(eps) {
  add_parameter("weight", weight);
  add_parameter("bias", bias);
}

Tensor LayerNorm::forward(const Tensor& x) const {
  return run_layer("LayerNorm", x, [&] { return ops::layer_norm(x, weight, bias, {.eps = eps_}); });
}

GroupNorm::GroupNorm(int groups, int64_t channels, double eps)
    : weight(Tensor::full({channels}, 1.0)), bias(Tensor::zeros({channels})), groups_(groups), eps_(eps) {
  add_parameter("weight", weight);
  add_parameter("bias", bias);
}

Tensor GroupNorm::forward(const Tensor& x) const {
  return run_layer("GroupNorm", x, [&] { return ops::group_norm(x, weight, bias, {.groups = groups_, .eps = eps_}); });
}

}  // namespace lv::nn
