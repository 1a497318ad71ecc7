#pragma once

#include "nn/conv2d.h"
#include "nn/norm.h"

namespace lv::models {

/// A convolution without bias and its batch norm, which checkpoints name apart: the owner registers both. Kernels are
/// odd squares, padded to keep the size at stride 1. The convolution starts from He's normal over its outputs.
class ConvNorm {
 public:
  struct Options {
    int64_t kernel = 1;
    int64_t stride = 1;
    int64_t groups = 1;
  };
  ConvNorm(int64_t in, int64_t out, const Options& options);

  /// x: [N, H, W, in] -> [N, ceil(H / stride), ceil(W / stride), out].
  [[nodiscard]] Tensor forward(const Tensor& x) { return norm.forward(conv.forward(x)); }
  [[nodiscard]] Tensor forward_relu(const Tensor& x) { return norm.forward_relu(conv.forward(x)); }
  /// ReLU of the result plus `residual`.
  [[nodiscard]] Tensor forward_add_relu(const Tensor& x, const Tensor& residual) {
    return norm.forward_add_relu(conv.forward(x), residual);
  }

  nn::Conv2d conv;
  nn::BatchNorm norm;
};

}  // namespace lv::models
