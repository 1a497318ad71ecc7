#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "apps/data/image.h"
#include "apps/data/image_resize.h"

namespace lv::data {

enum class ImageFormat { jpeg, png, bmp };

/// What is refused before memory is taken for it.
struct ImageLimits {
  int64_t max_pixels = 89'478'485;  // 256 MiB of RGB, from where on Pillow warns of decompression bombs
};

/// A part of a picture and the size it is resampled to.
struct ResizedPart {
  Rect part;
  int64_t height = 0;
  int64_t width = 0;
  Interpolation interpolation = Interpolation::bilinear;
  /// A JPEG is decoded at 1/2, 1/4 or 1/8 of its size where that leaves at least `min_reduction` pixels along both axes
  /// for each one of the result; 0: never, which gives the bits that resizing the whole picture gives.
  double min_reduction = 0;
};

/// An encoded picture whose header has been read. What it holds, not its name, decides the format: JPEG
/// (libjpeg-turbo), PNG and BMP (stb_image). Others are refused by name; so is WebP, which no usual data set needs and
/// which would bring a further library.
///
/// Decoded pictures are RGB as by Pillow's convert("RGB"): grey is copied to three channels, palettes are looked up,
/// alpha is dropped, 16-bit values lose their lower byte (of 16-bit grey, Pillow clips the upper one instead), CMYK and
/// YCCK are taken as Adobe stores them (inverted). They are upright: EXIF orientation has been applied.
///
/// Every error is an IoError that begins with the picture's name.
class EncodedImage {
 public:
  /// Borrows `bytes`. Throws when the header is not that of a picture, or of one beyond `limits`.
  EncodedImage(std::span<const std::byte> bytes, std::string name, const ImageLimits& limits = {});

  [[nodiscard]] ImageFormat format() const { return format_; }
  /// Upright.
  [[nodiscard]] int64_t height() const { return swaps_axes() ? stored_width_ : stored_height_; }
  [[nodiscard]] int64_t width() const { return swaps_axes() ? stored_height_ : stored_width_; }
  [[nodiscard]] Rect bounds() const { return {0, 0, height(), width()}; }

  /// Throws when the data is damaged or cut.
  [[nodiscard]] Image decode() const { return decode(bounds()); }
  /// The pixels of `part`, which lies within bounds(). Of a JPEG, damage outside of it goes unnoticed.
  [[nodiscard]] Image decode(const Rect& part) const;
  [[nodiscard]] Image decode_resized(const ResizedPart& wanted) const;

 private:
  [[nodiscard]] bool swaps_axes() const { return orientation_ >= 5; }
  [[nodiscard]] Image decode_stored(const Rect& part) const;

  std::span<const std::byte> bytes_;
  std::string name_;
  ImageFormat format_;
  int64_t stored_height_ = 0;
  int64_t stored_width_ = 0;
  int orientation_ = 1;  // of EXIF, 1..8
  bool has_palette_ = false;
};

/// Reads a picture file; see EncodedImage.
Image read_image(const std::filesystem::path& path, const ImageLimits& limits = {});

}  // namespace lv::data
