#include "apps/data/augment_rand.h"

#include <cmath>

#include "apps/data/augment.h"
#include "apps/data/image_color.h"
#include "apps/data/image_filter.h"
#include "apps/data/image_geometry.h"
#include "core/error.h"

namespace lv::data {

namespace {

/// The step `index` of `bins` equal ones from `begin` to `end`, in single precision and from the nearer end, as torch's
/// linspace computes them: where a translation is cut to whole pixels, the last bit counts.
double step_of(double begin, double end, int index, int bins) {
  const auto first = float(begin);
  const auto last = float(end);
  const float step = (last - first) / float(bins - 1);
  return index < bins / 2 ? std::fma(step, float(index), first) : std::fma(-step, float(bins - 1 - index), last);
}

}  // namespace

bool is_signed(RandOperation operation) {
  return operation >= RandOperation::shear_x && operation <= RandOperation::sharpness;
}

Image apply(RandOperation operation, const Image& image, int magnitude, int bins, bool is_negative) {
  const double sign = is_negative ? -1 : 1;
  const auto strength = [&](double largest) { return sign * step_of(0, largest, magnitude, bins); };
  const auto pixels = [&](int64_t size) { return int64_t(strength(150.0 / 331.0 * double(size))); };
  switch (operation) {
    case RandOperation::identity:
      return image;
    case RandOperation::shear_x:
      return transform_nearest(image, shear_map(strength(0.3), 0));
    case RandOperation::shear_y:
      return transform_nearest(image, shear_map(0, strength(0.3)));
    case RandOperation::translate_x:
      return transform_nearest(image, translation_map(image, pixels(image.width), 0));
    case RandOperation::translate_y:
      return transform_nearest(image, translation_map(image, 0, pixels(image.height)));
    case RandOperation::rotate:
      return transform_nearest(image, rotation_map(image, strength(30)));
    case RandOperation::brightness:
      return adjust_brightness(image, 1 + strength(0.9));
    case RandOperation::color:
      return adjust_saturation(image, 1 + strength(0.9));
    case RandOperation::contrast:
      return adjust_contrast(image, 1 + strength(0.9));
    case RandOperation::sharpness:
      return adjust_sharpness(image, 1 + strength(0.9));
    case RandOperation::posterize:
      return posterize(image, 8 - int(std::nearbyint(float(magnitude) / (float(bins - 1) / 4))));
    case RandOperation::solarize:
      return solarize(image, step_of(255, 0, magnitude, bins));
    case RandOperation::autocontrast:
      return autocontrast(image);
    case RandOperation::equalize:
      return equalize(image);
  }
  fail("rand_augment: no operation {}", int(operation));
}

Image apply(const RandAugment& transform, const Image& image, Draws& draws) {
  Image result = image;
  for (int i = 0; i < transform.operations; ++i) {
    const auto operation = RandOperation(draws.below(kRandOperations));
    const bool is_negative = is_signed(operation) && draws.below(2) == 1;
    result = apply(operation, result, transform.magnitude, transform.bins, is_negative);
  }
  return result;
}

}  // namespace lv::data
