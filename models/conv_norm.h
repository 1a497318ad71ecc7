#pragma once

#include <array>
#include <optional>

#include "nn/conv2d.h"
#include "nn/norm.h"

namespace lv::models {

/// A convolution without bias and its batch norm, which checkpoints name apart: the owner registers both. Kernels are
/// odd squares, padded to keep the size at stride 1. The convolution starts from He's normal over its outputs.
///
/// In evaluation without gradients both run as one convolution of folded weights, which are kept until one of the
/// layers' tensors changes.
class ConvNorm {
 public:
  struct Options {
    int64_t kernel = 1;
    int64_t stride = 1;
    int64_t groups = 1;
  };
  ConvNorm(int64_t in, int64_t out, const Options& options);

  /// x: [N, H, W, in] -> [N, ceil(H / stride), ceil(W / stride), out].
  [[nodiscard]] Tensor forward(const Tensor& x) { return run(x, {}, false); }
  [[nodiscard]] Tensor forward_relu(const Tensor& x) { return run(x, {}, true); }
  /// ReLU of the result plus `residual`.
  [[nodiscard]] Tensor forward_add_relu(const Tensor& x, const Tensor& residual) { return run(x, residual, true); }

  nn::Conv2d conv;
  nn::BatchNorm norm;

 private:
  [[nodiscard]] Tensor run(const Tensor& x, const Tensor& residual, bool relu);
  /// The layer that does both, made of the tensors as they are now.
  [[nodiscard]] const ops::WeightAndBias& folded();

  /// A tensor, and its version when it was read.
  struct Source {
    Tensor tensor;
    uint32_t version = 0;
  };
  std::array<Source, 5> sources_;  // of folded_
  std::optional<DType> low_;       // autocast's type, in which it is
  ops::WeightAndBias folded_;
};

}  // namespace lv::models
