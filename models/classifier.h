#pragma once

#include <cstdint>

#include "nn/module.h"

namespace lv::models {

/// A network from images to class scores.
class Classifier : public nn::Module {
 public:
  /// images: [N, H, W, 3] -> logits [N, classes].
  [[nodiscard]] virtual Tensor forward(const Tensor& images) = 0;
};

/// How the first layer takes an image in.
enum class Stem : uint8_t {
  imagenet,  // a 7x7 convolution of stride 2 and max pooling: a quarter of the size
  cifar,     // a 3x3 convolution, for images of a few dozen pixels
};

struct ClassifierOptions {
  int64_t classes = 1000;
  Stem stem = Stem::imagenet;
  /// Channels of the first stage; those of the others grow with them.
  int64_t width = 64;
  /// Residual branches start as zero, so that a new network is its shortcuts.
  bool zero_init_residual = false;
};

}  // namespace lv::models
