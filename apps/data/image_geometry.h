#pragma once

#include <array>
#include <cstdint>

#include "apps/data/image.h"

namespace lv::data {

/// The pixels of `part`; black where it lies outside of the picture.
Image crop(const Image& image, const Rect& part);

Image flip_horizontally(const Image& image);

/// A stored picture turned and mirrored as its EXIF orientation, 1..8, asks for.
Image upright(const Image& stored, int orientation);

/// Where a part of the upright picture lies in the stored one, which has [height, width] pixels.
Rect stored_part(const Rect& upright_part, int orientation, int64_t height, int64_t width);

/// (a, b, c, d, e, f): the pixel (x, y) of the result is taken from (a x + b y + c, d x + e y + f), x and y at centres.
using AffineMap = std::array<double, 6>;

/// The nearest pixels, black outside of the picture; bit-equal to Pillow's Image.transform.
Image transform_nearest(const Image& image, const AffineMap& map);

/// torchvision's maps for shears of sx and sy (as tangents) about the origin, and for translations.
AffineMap shear_map(double sx, double sy);
AffineMap translation_map(const Image& image, int64_t dx, int64_t dy);

/// Pillow's map for a counter-clockwise turn about the centre.
AffineMap rotation_map(const Image& image, double degrees);

}  // namespace lv::data
