#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <variant>
#include <vector>

#include "apps/data/augment.h"
#include "apps/data/decode.h"
#include "apps/data/image.h"
#include "core/philox.h"
#include "core/tensor.h"

namespace lv::data {

/// Values become (v / 255 - mean) / deviation, channel by channel. The defaults are ImageNet's.
struct Normalize {
  std::array<float, 3> mean{0.485F, 0.456F, 0.406F};
  std::array<float, 3> deviation{0.229F, 0.224F, 0.225F};
};

/// Adds to each pixel, before normalisation, the principal components of ImageNet's colours, each times its eigenvalue
/// and a normal number (Krizhevsky et al. 2012; the values of fb.resnet.torch).
struct PcaLighting {
  double deviation = 0.1;
};

/// Overwrites a rectangle of the normalised picture, as torchvision's transform of this name.
struct RandomErasing {
  double probability = 0.5;
  Range scale{0.02, 0.33};
  Range ratio{0.3, 3.3};
  float value = 0;
  bool is_noise = false;  // standard normal numbers instead of `value`
};

/// From a picture to the tensor of a sample: f32 [H, W, C]. Every random choice comes from the key.
struct Pipeline {
  std::vector<Transform> steps;
  Normalize normalize{};
  std::optional<PcaLighting> lighting{};
  std::optional<RandomErasing> erasing{};
};

/// Throws Error that names the step and the parameter when one is out of its range.
void check(const Pipeline& pipeline);

Tensor run(const Pipeline& pipeline, const Image& image, PhiloxKey key);

/// As of the decoded picture; of a JPEG, a first step that crops or resizes decodes no more than it needs.
Tensor run(const Pipeline& pipeline, const EncodedImage& image, PhiloxKey key);

/// Opens the file. Throws IoError that names it.
Tensor run(const Pipeline& pipeline, const std::filesystem::path& path, PhiloxKey key);

}  // namespace lv::data
