#pragma once

#include "apps/data/image.h"

namespace lv::data {

/// The operations of RandAugment, in torchvision's order.
enum class RandOperation {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  color,
  contrast,
  sharpness,
  posterize,
  solarize,
  autocontrast,
  equalize
};
constexpr int kRandOperations = 14;

/// Applies one at strength `magnitude` of `bins`, mirrored where `is_negative` and the operation has two directions.
Image apply(RandOperation operation, const Image& image, int magnitude, int bins, bool is_negative);

/// Whether an operation has two directions.
bool is_signed(RandOperation operation);

}  // namespace lv::data
