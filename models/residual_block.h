#pragma once

#include <memory>

#include "models/conv_norm.h"

// The residual blocks of ResNet and ResNeXt; names are torchvision's.

namespace lv::models {

/// The 1x1 convolution and norm that fit a shortcut to its block's result: "0" and "1".
class Projection final : public nn::Module {
 public:
  Projection(int64_t in, int64_t out, int64_t stride);
  [[nodiscard]] Tensor forward(const Tensor& x) { return layers_.forward(x); }

 private:
  ConvNorm layers_;
};

struct BlockOptions {
  int64_t in = 64;      // channels of the input
  int64_t planes = 64;  // channels of the stage; a bottleneck's result has four times as many
  int64_t stride = 1;
  int64_t groups = 1;
  int64_t width_per_group = 64;  // of a bottleneck's 3x3 convolution at 64 planes, growing with them
};

/// Two 3x3 convolutions beside a shortcut: conv1, bn1, conv2, bn2, and downsample where size or channels change.
class BasicBlock final : public nn::Module {
 public:
  static constexpr int64_t kExpansion = 1;

  /// Takes no groups and no other width. Throws Error for them.
  explicit BasicBlock(const BlockOptions& options);
  /// x: [N, H, W, in] -> [N, ceil(H / stride), ceil(W / stride), planes].
  [[nodiscard]] Tensor forward(const Tensor& x);
  /// The norm whose weight scales the whole branch.
  [[nodiscard]] nn::BatchNorm& last_norm() { return second_.norm; }

 private:
  ConvNorm first_;
  ConvNorm second_;
  std::unique_ptr<Projection> downsample_;
};

/// Convolutions 1x1, 3x3 and 1x1 beside a shortcut: conv1, bn1, conv2, bn2, conv3, bn3, and downsample where size or
/// channels change. The 3x3 convolution has the stride, and the groups of ResNeXt.
class Bottleneck final : public nn::Module {
 public:
  static constexpr int64_t kExpansion = 4;

  explicit Bottleneck(const BlockOptions& options);
  /// x: [N, H, W, in] -> [N, ceil(H / stride), ceil(W / stride), 4 * planes].
  [[nodiscard]] Tensor forward(const Tensor& x);
  /// The norm whose weight scales the whole branch.
  [[nodiscard]] nn::BatchNorm& last_norm() { return expand_.norm; }

 private:
  Bottleneck(const BlockOptions& options, int64_t width);

  ConvNorm reduce_;
  ConvNorm spatial_;
  ConvNorm expand_;
  std::unique_ptr<Projection> downsample_;
};

}  // namespace lv::models
