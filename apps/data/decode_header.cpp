#include "apps/data/decode_header.h"

#include <algorithm>
#include <bit>

#include "core/error.h"

namespace lv::data {

namespace {

/// Integers of a file whose byte order is known; the caller has checked that they are there.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, std::endian order) : bytes_(bytes), order_(order) {}

  [[nodiscard]] size_t size() const { return bytes_.size(); }
  [[nodiscard]] uint32_t u8(size_t at) const { return uint32_t(bytes_[at]); }
  [[nodiscard]] uint32_t u16(size_t at) const {
    return order_ == std::endian::little ? u8(at) | u8(at + 1) << 8 : u8(at) << 8 | u8(at + 1);
  }
  [[nodiscard]] uint32_t u32(size_t at) const {
    return order_ == std::endian::little ? u16(at) | u16(at + 2) << 16 : u16(at) << 16 | u16(at + 2);
  }

 private:
  std::span<const std::byte> bytes_;
  std::endian order_;
};

constexpr size_t kPngSignature = 8;  // bytes

constexpr uint32_t tag(const char (&text)[5]) {
  return uint32_t(uint8_t(text[0])) << 24 | uint32_t(uint8_t(text[1])) << 16 | uint32_t(uint8_t(text[2])) << 8 |
         uint32_t(uint8_t(text[3]));
}

/// Samples a pixel by colour type, 0 for types that do not exist.
int png_samples(uint32_t colour_type, uint32_t depth) {
  const bool is_power_of_two = std::has_single_bit(depth);
  switch (colour_type) {
    case 0:
      return is_power_of_two && depth <= 16 ? 1 : 0;
    case 3:
      return is_power_of_two && depth <= 8 ? 1 : 0;
    case 2:
      return depth == 8 || depth == 16 ? 3 : 0;
    case 4:
      return depth == 8 || depth == 16 ? 2 : 0;
    case 6:
      return depth == 8 || depth == 16 ? 4 : 0;
    default:
      return 0;
  }
}

/// Walks the chunks up to the last one. Throws where they do not fit the file, and for one that has to be understood
/// and is not. Returns the orientation.
int check_png_chunks(std::span<const std::byte> bytes, std::string_view name) {
  const Reader file(bytes, std::endian::big);
  int orientation = 1;
  size_t at = kPngSignature;
  uint32_t type = 0;
  while (type != tag("IEND")) {
    LV_CHECK_AS(IoError, at + 12 <= file.size() && file.u32(at) <= file.size() - at - 12,
                "{}: a PNG of {} bytes whose chunk at byte {} is not whole", name, file.size(), at);
    const size_t length = file.u32(at);
    type = file.u32(at + 4);
    const bool is_critical = (type >> 24 & 0x20) == 0;
    LV_CHECK_AS(
        IoError,
        !is_critical || type == tag("IHDR") || type == tag("PLTE") || type == tag("IDAT") || type == tag("IEND"),
        "{}: a PNG with an unknown chunk at byte {} that is needed to read it", name, at);
    if (type == tag("eXIf")) {
      orientation = exif_orientation(bytes.subspan(at + 8, length));
    }
    at += 12 + length;
  }
  return orientation;
}

}  // namespace

int exif_orientation(std::span<const std::byte> tiff) {
  constexpr uint32_t kOrientation = 0x0112;
  constexpr uint32_t kShort = 3;
  if (tiff.size() < 8 || tiff[0] != tiff[1] || (tiff[0] != std::byte{'I'} && tiff[0] != std::byte{'M'})) {
    return 1;
  }
  const Reader file(tiff, tiff[0] == std::byte{'I'} ? std::endian::little : std::endian::big);
  const size_t directory = file.u32(4);
  if (file.u16(2) != 42 || directory > tiff.size() - 2) {
    return 1;
  }
  const size_t entries = std::min<size_t>(file.u16(directory), (tiff.size() - directory - 2) / 12);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + 12 * i;
    if (file.u16(entry) == kOrientation && file.u16(entry + 2) == kShort) {
      const uint32_t value = file.u16(entry + 8);
      return value >= 1 && value <= 8 ? int(value) : 1;
    }
  }
  return 1;
}

ImageHeader read_png_header(std::span<const std::byte> bytes, std::string_view name) {
  constexpr size_t kHeader = kPngSignature;
  constexpr size_t kHeaderEnd = kHeader + 4 + 4 + 13 + 4;
  const Reader file(bytes, std::endian::big);
  LV_CHECK_AS(IoError, file.size() >= kHeaderEnd, "{}: a PNG that ends within its header ({} bytes)", name,
              file.size());
  LV_CHECK_AS(IoError, file.u32(kHeader) == 13 && file.u32(kHeader + 4) == tag("IHDR"),
              "{}: a PNG that does not begin with a header chunk of 13 bytes", name);
  const uint32_t width = file.u32(kHeader + 8);
  const uint32_t height = file.u32(kHeader + 12);
  const uint32_t depth = file.u8(kHeader + 16);
  const uint32_t colour_type = file.u8(kHeader + 17);
  const int samples = png_samples(colour_type, depth);
  LV_CHECK_AS(IoError, width >= 1 && height >= 1 && width < 1U << 31 && height < 1U << 31,
              "{}: a PNG of {} x {} pixels", name, width, height);
  LV_CHECK_AS(IoError, samples != 0, "{}: PNG has no colour type {} of {} bits", name, colour_type, depth);
  LV_CHECK_AS(IoError, file.u8(kHeader + 18) == 0 && file.u8(kHeader + 19) == 0 && file.u8(kHeader + 20) <= 1,
              "{}: a PNG with unknown compression, filter or interlace methods {}, {}, {}", name, file.u8(kHeader + 18),
              file.u8(kHeader + 19), file.u8(kHeader + 20));
  return {.height = height,
          .width = width,
          .orientation = check_png_chunks(bytes, name),
          .bits_per_pixel = int64_t(samples) * depth,
          .has_palette = colour_type == 3};
}

std::vector<std::byte> with_full_palette(std::span<const std::byte> png) {
  constexpr size_t kPaletteBytes = 256 * 3;
  const Reader file(png, std::endian::big);
  std::vector<std::byte> result(png.begin(), png.end());
  size_t at = kPngSignature;
  while (at + 12 <= file.size() && file.u32(at + 4) != tag("PLTE")) {
    at += 12 + size_t(file.u32(at));
  }
  if (at + 12 <= file.size()) {
    const size_t length = file.u32(at);
    if (length < kPaletteBytes && length % 3 == 0) {
      result.insert(result.begin() + std::ptrdiff_t(at + 8 + length), kPaletteBytes - length, std::byte{0});
      result[at + 2] = std::byte(kPaletteBytes >> 8);
      result[at + 3] = std::byte(kPaletteBytes & 0xFF);
    }
  }
  return result;
}

ImageHeader read_bmp_header(std::span<const std::byte> bytes, std::string_view name) {
  constexpr size_t kInfo = 14;
  const Reader file(bytes, std::endian::little);
  LV_CHECK_AS(IoError, file.size() >= kInfo + 12, "{}: a BMP that ends within its header ({} bytes)", name,
              file.size());
  const uint32_t info_bytes = file.u32(kInfo);
  const bool is_old = info_bytes == 12;
  LV_CHECK_AS(IoError, is_old || (info_bytes >= 40 && file.size() >= kInfo + 40),
              "{}: a BMP with an unknown header of {} bytes", name, info_bytes);
  // A negative height says that the rows come from top to bottom.
  const int64_t width = is_old ? int64_t(file.u16(kInfo + 4)) : int32_t(file.u32(kInfo + 4));
  const int64_t height = is_old ? int64_t(file.u16(kInfo + 6)) : std::abs(int64_t(int32_t(file.u32(kInfo + 8))));
  const int64_t depth = file.u16(kInfo + (is_old ? 10 : 14));
  LV_CHECK_AS(IoError, width >= 1 && height >= 1 && height < INT32_MAX, "{}: a BMP of {} x {} pixels", name, width,
              height);
  LV_CHECK_AS(IoError, depth >= 1 && depth <= 32, "{}: a BMP of {} bits a pixel", name, depth);
  const int64_t row_bytes = (width * depth + 31) / 32 * 4;
  const auto data_bytes = int64_t(file.size()) - std::min(int64_t(file.u32(10)), int64_t(file.size()));
  LV_CHECK_AS(IoError, data_bytes / row_bytes >= height, "{}: a BMP of {} x {} pixels of {} bits in {} bytes", name,
              width, height, depth, data_bytes);
  return {.height = height, .width = width, .orientation = 1, .bits_per_pixel = depth};
}

}  // namespace lv::data
