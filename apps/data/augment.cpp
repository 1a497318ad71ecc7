#include "apps/data/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "apps/data/image_color.h"
#include "apps/data/image_filter.h"
#include "apps/data/image_geometry.h"
#include "core/error.h"

namespace lv::data {

namespace {

/// To the nearest integer, halves to the even one, as in Python.
int64_t round_to_even(double v) { return int64_t(std::nearbyint(v)); }

void check_at_least(std::string_view step, std::string_view parameter, double value, double low) {
  LV_CHECK(value >= low && std::isfinite(value), "{}: {} must be at least {}, got {}", step, parameter, low, value);
}

void check_share(std::string_view step, std::string_view parameter, double value, double high = 1) {
  LV_CHECK(value >= 0 && value <= high, "{}: {} must be in [0, {}], got {}", step, parameter, high, value);
}

void check_range(std::string_view step, std::string_view parameter, const Range& range, double low, double high) {
  LV_CHECK(range.low >= low && range.low <= range.high && range.high <= high,
           "{}: {} must be a range within [{}, {}], got [{}, {}]", step, parameter, low, high, range.low, range.high);
}

constexpr double kInfinity = HUGE_VAL;

struct Checker {
  void operator()(const Resize& t) const { check_at_least("resize", "size", double(t.size), 1); }
  void operator()(const CenterCrop& t) const { check_at_least("center_crop", "size", double(t.size), 1); }
  void operator()(const RandomResizedCrop& t) const {
    check_at_least("random_resized_crop", "size", double(t.size), 1);
    check_range("random_resized_crop", "scale", t.scale, 0, 1);
    check_range("random_resized_crop", "ratio", t.ratio, 1e-6, kInfinity);
    check_at_least("random_resized_crop", "min_reduction", t.min_reduction, 0);
  }
  void operator()(const RandomCrop& t) const {
    check_at_least("random_crop", "size", double(t.size), 1);
    check_at_least("random_crop", "padding", double(t.padding), 0);
  }
  void operator()(const RandomHorizontalFlip& t) const {
    check_share("random_horizontal_flip", "probability", t.probability);
  }
  void operator()(const ColorJitter& t) const {
    check_at_least("color_jitter", "brightness", t.brightness, 0);
    check_at_least("color_jitter", "contrast", t.contrast, 0);
    check_at_least("color_jitter", "saturation", t.saturation, 0);
    check_share("color_jitter", "hue", t.hue, 0.5);
    check_share("color_jitter", "probability", t.probability);
  }
  void operator()(const RandomGrayscale& t) const { check_share("random_grayscale", "probability", t.probability); }
  void operator()(const RandomGaussianBlur& t) const {
    check_range("random_gaussian_blur", "sigma", t.sigma, 0, kInfinity);
    check_share("random_gaussian_blur", "probability", t.probability);
  }
  void operator()(const RandomSolarize& t) const { check_share("random_solarize", "probability", t.probability); }
  void operator()(const RandAugment& t) const {
    check_at_least("rand_augment", "operations", t.operations, 0);
    check_at_least("rand_augment", "bins", t.bins, 2);
    LV_CHECK(t.magnitude >= 0 && t.magnitude < t.bins, "rand_augment: magnitude must be in [0, bins) = [0, {}), got {}",
             t.bins, t.magnitude);
  }
};

/// A factor between 1 - x and 1 + x, not below 0.
double jitter_factor(Draws& draws, double x) { return uniform(draws, {std::max(0.0, 1 - x), 1 + x}); }

}  // namespace

void check(const Transform& transform) { std::visit(Checker{}, transform); }

double uniform(Draws& draws, const Range& range) {
  const uint64_t high = draws.bits() >> 5;
  const uint64_t low = draws.bits() >> 6;
  return range.low + (range.high - range.low) * (double(high << 26 | low) * 0x1p-53);
}

bool happens(Draws& draws, double probability) { return uniform(draws, {0, 1}) < probability; }

Size resized_size(const Resize& transform, int64_t height, int64_t width) {
  const auto longer = int64_t(double(transform.size * std::max(height, width)) / double(std::min(height, width)));
  return width <= height ? Size{longer, transform.size} : Size{transform.size, longer};
}

Rect sample_part(const RandomResizedCrop& transform, int64_t height, int64_t width, Draws& draws) {
  constexpr int kAttempts = 10;
  const auto area = double(height * width);
  const Range log_ratio{std::log(transform.ratio.low), std::log(transform.ratio.high)};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double part_area = area * uniform(draws, transform.scale);
    const double ratio = std::exp(uniform(draws, log_ratio));
    const int64_t w = round_to_even(std::sqrt(part_area * ratio));
    const int64_t h = round_to_even(std::sqrt(part_area / ratio));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      const int64_t top = draws.below(height - h + 1);
      return {top, draws.below(width - w + 1), h, w};
    }
  }
  const double own_ratio = double(width) / double(height);
  int64_t w = width;
  int64_t h = height;
  if (own_ratio < transform.ratio.low) {
    h = round_to_even(double(w) / transform.ratio.low);
  } else if (own_ratio > transform.ratio.high) {
    w = round_to_even(double(h) * transform.ratio.high);
  }
  return {(height - h) / 2, (width - w) / 2, h, w};
}

Image apply(const Resize& transform, const Image& image, Draws& /*draws*/) {
  const Size size = resized_size(transform, image.height, image.width);
  return resize(image, size.height, size.width, transform.interpolation);
}

Image apply(const CenterCrop& transform, const Image& image, Draws& /*draws*/) {
  // Half of what is missing is added before; of what is left over, half is cut off before, rounded to even.
  const auto begin = [&](int64_t size) {
    return size < transform.size ? -((transform.size - size) / 2) : round_to_even(double(size - transform.size) / 2);
  };
  return crop(image, {begin(image.height), begin(image.width), transform.size, transform.size});
}

Image apply(const RandomResizedCrop& transform, const Image& image, Draws& draws) {
  const Rect part = sample_part(transform, image.height, image.width, draws);
  return resize(crop(image, part), transform.size, transform.size, transform.interpolation);
}

Image apply(const RandomCrop& transform, const Image& image, Draws& draws) {
  const int64_t free_rows = image.height + 2 * transform.padding - transform.size;
  const int64_t free_columns = image.width + 2 * transform.padding - transform.size;
  LV_CHECK(free_rows >= 0 && free_columns >= 0, "random_crop: {} x {} pixels with {} around are smaller than {}",
           image.height, image.width, transform.padding, transform.size);
  const int64_t top = draws.below(free_rows + 1) - transform.padding;
  return crop(image, {top, draws.below(free_columns + 1) - transform.padding, transform.size, transform.size});
}

Image apply(const RandomHorizontalFlip& transform, const Image& image, Draws& draws) {
  return happens(draws, transform.probability) ? flip_horizontally(image) : image;
}

Image apply(const ColorJitter& transform, const Image& image, Draws& draws) {
  if (!happens(draws, transform.probability)) {
    return image;
  }
  std::array<int, 4> order = {0, 1, 2, 3};
  for (size_t i = order.size() - 1; i > 0; --i) {
    std::swap(order[i], order[size_t(draws.below(int64_t(i) + 1))]);
  }
  const double brightness = jitter_factor(draws, transform.brightness);
  const double contrast = jitter_factor(draws, transform.contrast);
  const double saturation = jitter_factor(draws, transform.saturation);
  const double hue = uniform(draws, {-transform.hue, transform.hue});
  Image result = image;
  for (const int operation : order) {
    if (operation == 0 && transform.brightness > 0) {
      result = adjust_brightness(result, brightness);
    } else if (operation == 1 && transform.contrast > 0) {
      result = adjust_contrast(result, contrast);
    } else if (operation == 2 && transform.saturation > 0) {
      result = adjust_saturation(result, saturation);
    } else if (operation == 3 && transform.hue > 0) {
      result = adjust_hue(result, hue);
    }
  }
  return result;
}

Image apply(const RandomGrayscale& transform, const Image& image, Draws& draws) {
  return happens(draws, transform.probability) ? to_grayscale(image) : image;
}

Image apply(const RandomGaussianBlur& transform, const Image& image, Draws& draws) {
  if (!happens(draws, transform.probability)) {
    return image;
  }
  return gaussian_blur(image, uniform(draws, transform.sigma));
}

Image apply(const RandomSolarize& transform, const Image& image, Draws& draws) {
  return happens(draws, transform.probability) ? solarize(image, transform.threshold) : image;
}

}  // namespace lv::data
