#pragma once

#include "apps/data/image.h"

namespace lv::data {

/// Blurs by a Gaussian of standard deviation `sigma` pixels, approximated by three box filters of fractional size along
/// each axis; the border is continued. Bit-equal to Pillow's ImageFilter.GaussianBlur, which MoCo and DINO use. Throws
/// Error for a negative sigma.
Image gaussian_blur(const Image& image, double sigma);

/// Blends with the picture smoothed by a 3 x 3 filter (5 in the centre, else 1, over 13; the border stays): 0 gives
/// that, 1 the picture, above 1 sharpens. Bit-equal to Pillow's ImageEnhance.Sharpness.
Image adjust_sharpness(const Image& image, double factor);

}  // namespace lv::data
