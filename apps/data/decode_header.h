#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace lv::data {

/// A picture as the header of its file describes it.
struct ImageHeader {
  int64_t height = 0;
  int64_t width = 0;
  int orientation = 1;         // of EXIF, 1..8
  int64_t bits_per_pixel = 0;  // of the uncompressed data
  bool has_palette = false;    // of a PNG
};

/// The tag "orientation" of a TIFF structure, as EXIF is; 1 where there is none or where it makes no sense.
int exif_orientation(std::span<const std::byte> tiff);

/// Checks a PNG's first chunk and the outline of the others. Throws IoError that begins with `name`.
ImageHeader read_png_header(std::span<const std::byte> bytes, std::string_view name);

/// The PNG with its palette, which may be shorter than the pixels' indices reach, filled up with black. Its header has
/// been read.
std::vector<std::byte> with_full_palette(std::span<const std::byte> png);

/// Throws IoError that begins with `name`; also when the file is shorter than its pixels.
ImageHeader read_bmp_header(std::span<const std::byte> bytes, std::string_view name);

}  // namespace lv::data
