#include "apps/data/transforms.h"

#include <cmath>
#include <span>
#include <utility>

#include "core/error.h"
#include "core/file.h"

namespace lv::data {

namespace {

using Offsets = std::array<float, 3>;

double normal(Draws& draws) {
  const uint32_t radius = draws.bits();
  return double(normals_from_bits(radius, draws.bits()).first);
}

Offsets sample_lighting(const PcaLighting& lighting, Draws& draws) {
  constexpr std::array kEigenvalues = {0.2175, 0.0188, 0.0045};
  constexpr std::array<std::array<double, 3>, 3> kComponents = {
      {{-0.5675, 0.7192, 0.4009}, {-0.5808, -0.0045, -0.8140}, {-0.5836, -0.6948, 0.4203}}};  // [channel][component]
  Offsets offsets{};
  for (size_t component = 0; component < 3; ++component) {
    const double strength = lighting.deviation * normal(draws) * kEigenvalues[component];
    for (size_t channel = 0; channel < 3; ++channel) {
      offsets[channel] += float(kComponents[channel][component] * strength);
    }
  }
  return offsets;
}

/// By a table of every value, so that each is computed as torchvision does it.
Tensor to_tensor(const Image& image, const Normalize& normalize, const Offsets& offsets) {
  std::array<std::array<float, 256>, 3> tables;
  for (size_t channel = 0; channel < size_t(image.channels); ++channel) {
    for (size_t v = 0; v < 256; ++v) {
      tables[channel][v] =
          (float(v) / 255.0F + offsets[channel] - normalize.mean[channel]) / normalize.deviation[channel];
    }
  }
  Tensor tensor = Tensor::empty({image.height, image.width, image.channels});
  const std::span out(tensor.data<float>(), image.pixels.size());
  if (image.channels == 1) {
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = tables[0][image.pixels[i]];
    }
  } else {
    for (size_t i = 0; i < out.size(); i += 3) {
      for (size_t channel = 0; channel < 3; ++channel) {
        out[i + channel] = tables[channel][image.pixels[i + channel]];
      }
    }
  }
  return tensor;
}

void erase(const RandomErasing& erasing, const Tensor& picture, Draws& draws) {
  constexpr int kAttempts = 10;
  if (!happens(draws, erasing.probability)) {
    return;
  }
  const int64_t height = picture.shape()[0];
  const int64_t row_size = picture.shape()[1] * picture.shape()[2];
  const int64_t channels = picture.shape()[2];
  const Range log_ratio{std::log(erasing.ratio.low), std::log(erasing.ratio.high)};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double area = double(height * picture.shape()[1]) * uniform(draws, erasing.scale);
    const double ratio = std::exp(uniform(draws, log_ratio));
    const auto h = int64_t(std::nearbyint(std::sqrt(area * ratio)));
    const auto w = int64_t(std::nearbyint(std::sqrt(area / ratio)));
    if (h >= height || w >= picture.shape()[1]) {
      continue;
    }
    const int64_t top = draws.below(height - h + 1);
    const int64_t left = draws.below(picture.shape()[1] - w + 1);
    for (int64_t y = top; y < top + h; ++y) {
      float* const begin = picture.data<float>() + y * row_size + left * channels;
      for (int64_t i = 0; i < w * channels; ++i) {
        begin[i] = erasing.is_noise ? float(normal(draws)) : erasing.value;
      }
    }
    return;
  }
}

Tensor run_from(size_t step, const Pipeline& pipeline, Image image, Draws& draws) {
  for (; step < pipeline.steps.size(); ++step) {
    image = std::visit([&](const auto& transform) { return apply(transform, image, draws); }, pipeline.steps[step]);
  }
  const Offsets offsets = pipeline.lighting ? sample_lighting(*pipeline.lighting, draws) : Offsets{};
  Tensor tensor = to_tensor(image, pipeline.normalize, offsets);
  if (pipeline.erasing) {
    erase(*pipeline.erasing, tensor, draws);
  }
  return tensor;
}

/// Decodes what the first step asks for; none when that is nothing less than everything.
std::optional<Image> decode_first_step(const Transform& first, const EncodedImage& image, Draws& draws) {
  if (const auto* crop = std::get_if<RandomResizedCrop>(&first)) {
    return image.decode_resized({.part = sample_part(*crop, image.height(), image.width(), draws),
                                 .height = crop->size,
                                 .width = crop->size,
                                 .interpolation = crop->interpolation,
                                 .min_reduction = crop->min_reduction});
  }
  if (const auto* resize = std::get_if<Resize>(&first)) {
    const Size size = resized_size(*resize, image.height(), image.width());
    return image.decode_resized(
        {.part = image.bounds(), .height = size.height, .width = size.width, .interpolation = resize->interpolation});
  }
  return std::nullopt;
}

}  // namespace

void check(const Pipeline& pipeline) {
  for (const Transform& transform : pipeline.steps) {
    check(transform);
  }
  for (const float deviation : pipeline.normalize.deviation) {
    LV_CHECK(deviation > 0, "normalize: deviation must be above 0, got {}", deviation);
  }
  LV_CHECK(!pipeline.lighting || pipeline.lighting->deviation >= 0,
           "pca_lighting: deviation must be at least 0, got {}", pipeline.lighting->deviation);
  if (const auto& erasing = pipeline.erasing) {
    LV_CHECK(erasing->probability >= 0 && erasing->probability <= 1,
             "random_erasing: probability must be in [0, 1], got {}", erasing->probability);
    LV_CHECK(erasing->scale.low >= 0 && erasing->scale.low <= erasing->scale.high && erasing->scale.high <= 1,
             "random_erasing: scale must be a range within [0, 1], got [{}, {}]", erasing->scale.low,
             erasing->scale.high);
    LV_CHECK(erasing->ratio.low > 0 && erasing->ratio.low <= erasing->ratio.high,
             "random_erasing: ratio must be a range above 0, got [{}, {}]", erasing->ratio.low, erasing->ratio.high);
  }
}

Tensor run(const Pipeline& pipeline, const Image& image, PhiloxKey key) {
  Draws draws(key);
  return run_from(0, pipeline, image, draws);
}

Tensor run(const Pipeline& pipeline, const EncodedImage& image, PhiloxKey key) {
  Draws draws(key);
  if (!pipeline.steps.empty()) {
    if (std::optional<Image> first = decode_first_step(pipeline.steps[0], image, draws)) {
      return run_from(1, pipeline, std::move(*first), draws);
    }
  }
  return run_from(0, pipeline, image.decode(), draws);
}

Tensor run(const Pipeline& pipeline, const std::filesystem::path& path, PhiloxKey key) {
  const MappedFile file(path);
  return run(pipeline, EncodedImage(file.bytes(), path.string()), key);
}

}  // namespace lv::data
