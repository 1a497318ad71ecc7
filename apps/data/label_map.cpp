#include "apps/data/label_map.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "apps/data/decode.h"
#include "core/error.h"
#include "core/file.h"

namespace lv::data {

namespace {

constexpr uint8_t kSignature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr size_t kHeaderAt = 8;  // of the chunk IHDR: length, name, 13 bytes, checksum
constexpr size_t kBitDepthAt = 24;
constexpr size_t kColorTypeAt = 25;
constexpr size_t kHeaderEnd = 33;
enum ColorType : uint8_t { kGrey = 0, kPalette = 3 };

uint32_t big_endian_at(std::span<const std::byte> bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value = value << 8 | uint32_t(bytes[at + i]);
  }
  return value;
}

/// The same PNG with its values taken as grey ones: the palette, its transparency and all that is not needed left out.
std::vector<std::byte> as_grey(std::span<const std::byte> png) {
  std::vector<std::byte> grey(png.begin(), png.begin() + kHeaderEnd);
  grey[kColorTypeAt] = std::byte{kGrey};
  const auto* header = reinterpret_cast<const Bytef*>(grey.data()) + kHeaderAt + 4;
  const auto checksum = uint32_t(crc32(0, header, 4 + 13));
  for (size_t i = 0; i < 4; ++i) {
    grey[kHeaderEnd - 4 + i] = std::byte(checksum >> (24 - 8 * i));
  }
  for (size_t at = kHeaderEnd; at + 12 <= png.size();) {
    const size_t size = 12 + size_t(big_endian_at(png, at));
    if (size > png.size() - at) {
      break;  // the decoder will find that data is missing
    }
    const auto chunk = png.subspan(at, size);
    if (std::memcmp(&chunk[4], "IDAT", 4) == 0 || std::memcmp(&chunk[4], "IEND", 4) == 0) {
      grey.insert(grey.end(), chunk.begin(), chunk.end());
    }
    at += size;
  }
  return grey;
}

}  // namespace

Image read_label_map(const std::filesystem::path& path, const LabelMapRules& rules) {
  const std::string name = path.string();
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  LV_CHECK_AS(IoError, bytes.size() >= kHeaderEnd && std::memcmp(bytes.data(), kSignature, sizeof kSignature) == 0,
              "{}: a map of classes must be a PNG file", name);
  const auto depth = int(bytes[kBitDepthAt]);
  const auto color_type = int(bytes[kColorTypeAt]);
  LV_CHECK_AS(
      IoError, (color_type == kGrey || color_type == kPalette) && depth >= 1 && depth <= 8,
      "{}: a map of classes must have grey values or palette indices of at most 8 bits, this PNG has colour type "
      "{} and {} bits",
      name, color_type, depth);
  const std::vector<std::byte> grey = as_grey(bytes);
  const EncodedImage encoded(grey, name);
  LV_CHECK_AS(IoError, encoded.height() == rules.height && encoded.width() == rules.width,
              "{}: the map has {} x {} pixels, its picture {} x {}", name, encoded.height(), encoded.width(),
              rules.height, rules.width);
  const Image decoded = encoded.decode();
  const int grey_step = 255 / ((1 << depth) - 1);  // the decoder spreads values over 8 bits
  Image map(rules.height, rules.width, 1);
  for (size_t i = 0; i < map.pixels.size(); ++i) {
    const int value = decoded.pixels[i * size_t(decoded.channels)] / grey_step;
    LV_CHECK_AS(IoError, value < rules.num_classes || value == rules.ignored,
                "{}: the pixel at row {}, column {} has class {}, there are {} and {} for none", name,
                int64_t(i) / rules.width, int64_t(i) % rules.width, value, rules.num_classes, rules.ignored);
    map.pixels[i] = uint8_t(value);
  }
  return map;
}

}  // namespace lv::data
