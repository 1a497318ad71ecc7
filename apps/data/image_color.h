#pragma once

#include <cstdint>

#include "apps/data/image.h"

namespace lv::data {

// Operations on colours. Each is bit-equal to Pillow's, as torchvision calls it; a grey picture has one channel.

/// Red, green and blue become the luminance (ITU-R 601-2). Three channels stay three.
Image to_grayscale(const Image& image);

/// Blends with black, with the mean luminance, and with the picture's own luminance; 0 leaves only that, 1 the picture,
/// above 1 lies beyond it.
Image adjust_brightness(const Image& image, double factor);
Image adjust_contrast(const Image& image, double factor);
Image adjust_saturation(const Image& image, double factor);

/// Turns the hue by `turns` in [-1/2, 1/2]; grey pictures stay as they are.
Image adjust_hue(const Image& image, double turns);

/// Inverts the values from `threshold` on.
Image solarize(const Image& image, double threshold);

/// Keeps the upper `bits`, 0..8, of each value.
Image posterize(const Image& image, int bits);

/// Stretches each channel's values to 0..255.
Image autocontrast(const Image& image);

/// Spreads each channel's values evenly.
Image equalize(const Image& image);

/// image1 + factor (image2 - image1), cut to 8 bits; both of one size.
Image blend(const Image& image1, const Image& image2, double factor);

}  // namespace lv::data
