#pragma once

#include <array>
#include <memory>

#include "models/classifier.h"
#include "models/conv_norm.h"
#include "nn/containers.h"
#include "nn/linear.h"

namespace lv::models {

/// What tells one member of the family from another.
struct ResNetShape {
  enum class Block : uint8_t { basic, bottleneck };
  Block block = Block::bottleneck;
  std::array<int, 4> depths = {3, 4, 6, 3};  // blocks of each stage
  int64_t groups = 1;
  int64_t width_per_group = 64;
};

/// ResNet (He et al. 2015) with the stride of a bottleneck in its 3x3 convolution, Wide ResNet and ResNeXt. Structure,
/// names and starting values are those of torchvision.models.resnet.
class ResNet final : public Classifier {
 public:
  explicit ResNet(const ResNetShape& shape, const ClassifierOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& images) override;

 private:
  template <class Block>
  void add_stages(const ResNetShape& shape, const ClassifierOptions& options);

  Stem stem_kind_;
  ConvNorm stem_;
  std::array<nn::Sequential, 4> stages_;
  std::unique_ptr<nn::Linear> fc_;
};

}  // namespace lv::models
