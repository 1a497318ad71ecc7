#pragma once

#include <cstdint>
#include <variant>

#include "apps/data/draws.h"
#include "apps/data/image.h"
#include "apps/data/image_resize.h"

namespace lv::data {

// Steps of an augmentation, with the parameters and defaults of torchvision's transforms of these names. Choices are
// drawn from Draws, with torchvision's distributions; pixels come out as by Pillow, to the bit.

/// Uniform in [low, high).
struct Range {
  double low;
  double high;
};

/// The shorter side becomes `size`.
struct Resize {
  int64_t size;
  Interpolation interpolation = Interpolation::bilinear;
};

/// A square from the middle; black where the picture is smaller.
struct CenterCrop {
  int64_t size;
};

/// A part of random area (as a share of the picture's) and aspect ratio (log-uniform), resampled to a square.
struct RandomResizedCrop {
  int64_t size;
  Range scale{0.08, 1};
  Range ratio{3.0 / 4, 4.0 / 3};
  Interpolation interpolation = Interpolation::bilinear;
  double min_reduction = 0;  // see ResizedPart
};

/// A square from anywhere in the picture, black added around it.
struct RandomCrop {
  int64_t size;
  int64_t padding = 0;
};

struct RandomHorizontalFlip {
  double probability = 0.5;
};

/// Brightness, contrast and saturation times 1 - x .. 1 + x (from 0 on), hue turned by -x .. x; in random order.
struct ColorJitter {
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;
  double hue = 0;
  double probability = 1;
};

struct RandomGrayscale {
  double probability = 0.1;
};

/// Pillow's blur, see gaussian_blur.
struct RandomGaussianBlur {
  Range sigma{0.1, 2};
  double probability = 0.5;
};

struct RandomSolarize {
  double threshold = 128;
  double probability = 0.5;
};

/// `operations` of 14, each at the same strength; torchvision's set, nearest pixels, black borders.
struct RandAugment {
  int operations = 2;
  int magnitude = 9;  // below bins
  int bins = 31;
};

using Transform = std::variant<Resize, CenterCrop, RandomResizedCrop, RandomCrop, RandomHorizontalFlip, ColorJitter,
                               RandomGrayscale, RandomGaussianBlur, RandomSolarize, RandAugment>;

/// Throws Error that names the step and the parameter when one is out of its range.
void check(const Transform& transform);

Image apply(const Resize& transform, const Image& image, Draws& draws);
Image apply(const CenterCrop& transform, const Image& image, Draws& draws);
Image apply(const RandomResizedCrop& transform, const Image& image, Draws& draws);
/// Throws Error when the padded picture is smaller than the crop.
Image apply(const RandomCrop& transform, const Image& image, Draws& draws);
Image apply(const RandomHorizontalFlip& transform, const Image& image, Draws& draws);
Image apply(const ColorJitter& transform, const Image& image, Draws& draws);
Image apply(const RandomGrayscale& transform, const Image& image, Draws& draws);
Image apply(const RandomGaussianBlur& transform, const Image& image, Draws& draws);
Image apply(const RandomSolarize& transform, const Image& image, Draws& draws);
Image apply(const RandAugment& transform, const Image& image, Draws& draws);

/// A number of 53 bits, uniform in the range.
double uniform(Draws& draws, const Range& range);
bool happens(Draws& draws, double probability);

struct Size {
  int64_t height;
  int64_t width;
};

/// What Resize makes of a picture's size.
Size resized_size(const Resize& transform, int64_t height, int64_t width);

/// The part that RandomResizedCrop takes; the largest one in the middle of a fitting ratio after ten vain attempts.
Rect sample_part(const RandomResizedCrop& transform, int64_t height, int64_t width, Draws& draws);

}  // namespace lv::data
