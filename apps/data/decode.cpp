#include "apps/data/decode.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "apps/data/decode_header.h"
#include "apps/data/decode_jpeg.h"
#include "apps/data/decode_stb.h"
#include "apps/data/image_geometry.h"
#include "core/error.h"
#include "core/file.h"

namespace lv::data {

namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view text;
  size_t at;
  std::string_view format;
};

constexpr std::array kUnreadFormats = {
    Signature{"GIF8"sv, 0, "GIF"},
    Signature{"WEBP"sv, 8, "WebP"},
    Signature{"II*\0"sv, 0, "TIFF"},
    Signature{"MM\0*"sv, 0, "TIFF"},
    Signature{"ftypavif"sv, 4, "AVIF"},
    Signature{"ftypheic"sv, 4, "HEIC"},
    Signature{"\x1F\x8B"sv, 0, "gzip"},
    Signature{"<"sv, 0, "HTML or XML"},
    Signature{"version https://git-lfs"sv, 0, "a Git LFS pointer"},
};

ImageFormat format_of(std::string_view text, std::string_view name) {
  LV_CHECK_AS(IoError, !text.empty(), "{}: is empty", name);
  if (text.starts_with("\xFF\xD8"sv)) {
    return ImageFormat::jpeg;
  }
  if (text.starts_with("\x89PNG\r\n\x1A\n"sv)) {
    return ImageFormat::png;
  }
  if (text.starts_with("BM"sv)) {
    return ImageFormat::bmp;
  }
  for (const Signature& signature : kUnreadFormats) {
    if (text.size() > signature.at && text.substr(signature.at).starts_with(signature.text)) {
      fail<IoError>("{}: is neither JPEG, PNG nor BMP but {}", name, signature.format);
    }
  }
  fail<IoError>("{}: is neither JPEG, PNG nor BMP", name);
}

ImageHeader read_header(ImageFormat format, std::span<const std::byte> bytes, const std::string& name) {
  switch (format) {
    case ImageFormat::jpeg:
      return JpegDecoder(bytes, name).header();
    case ImageFormat::png:
      return read_png_header(bytes, name);
    case ImageFormat::bmp:
      return read_bmp_header(bytes, name);
  }
  fail<IoError>("{}: unknown format", name);
}

/// The largest power of two, up to 8, by which the picture can be reduced.
int reduction(const ResizedPart& wanted) {
  int denominator = 1;
  while (wanted.min_reduction > 0 && denominator < 8 &&
         double(wanted.part.height) >= 2 * denominator * wanted.min_reduction * double(wanted.height) &&
         double(wanted.part.width) >= 2 * denominator * wanted.min_reduction * double(wanted.width)) {
    denominator *= 2;
  }
  return denominator;
}

/// One axis of a part of a reduced picture: the pixels that hold it, and where in them it lies.
struct ReducedAxis {
  int64_t begin;
  int64_t size;
  Stretch stretch;
};

ReducedAxis reduced_axis(int64_t begin, int64_t size, int64_t out_size, int denominator) {
  const int64_t first = begin / denominator;
  const int64_t end = (begin + size + denominator - 1) / denominator;
  return {first,
          end - first,
          {.in_size = end - first,
           .begin = double(begin) / denominator - double(first),
           .end = double(begin + size) / denominator - double(first),
           .out_size = out_size}};
}

}  // namespace

EncodedImage::EncodedImage(std::span<const std::byte> bytes, std::string name, const ImageLimits& limits)
    : bytes_(bytes),
      name_(std::move(name)),
      format_(format_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name_)) {
  constexpr int64_t kMaxDeflateRatio = 1032;
  const ImageHeader header = read_header(format_, bytes_, name_);
  LV_CHECK_AS(IoError, header.height <= limits.max_pixels / header.width,
              "{}: {} x {} pixels are more than the limit of {}", name_, header.width, header.height,
              limits.max_pixels);
  const int64_t raw_bytes = header.height * header.width * header.bits_per_pixel / 8;
  LV_CHECK_AS(IoError, format_ != ImageFormat::png || raw_bytes / kMaxDeflateRatio <= int64_t(bytes_.size()),
              "{}: {} bytes cannot hold {} x {} pixels of {} bits", name_, bytes_.size(), header.width, header.height,
              header.bits_per_pixel);
  stored_height_ = header.height;
  stored_width_ = header.width;
  orientation_ = header.orientation;
  has_palette_ = header.has_palette;
}

Image EncodedImage::decode_stored(const Rect& part) const {
  if (format_ != ImageFormat::jpeg) {
    constexpr int64_t kSlack = 1 << 16;
    const int64_t max_allocation = 2 * (stored_height_ * (stored_width_ + 1) * 8 + int64_t(bytes_.size())) + kSlack;
    Image whole = has_palette_ ? decode_with_stb(with_full_palette(bytes_), name_, max_allocation)
                               : decode_with_stb(bytes_, name_, max_allocation);
    LV_CHECK_AS(IoError, whole.height == stored_height_ && whole.width == stored_width_,
                "{}: decodes to {} x {} pixels where the header says {} x {}", name_, whole.width, whole.height,
                stored_width_, stored_height_);
    return part == whole.bounds() ? whole : crop(whole, part);
  }
  Image image(part.height, part.width, 3);
  uint8_t* out = image.pixels.data();
  JpegDecoder(bytes_, name_).decode_rows(part, 1, [&](const uint8_t* pixels) {
    for (int64_t x = 0; x < part.width; ++x) {
      std::copy_n(pixels + x * RowResizer::kPixelBytes, 3, out + 3 * x);
    }
    out += image.row_bytes();
  });
  return image;
}

Image EncodedImage::decode(const Rect& part) const {
  const Image stored = decode_stored(stored_part(part, orientation_, stored_height_, stored_width_));
  return orientation_ == 1 ? stored : upright(stored, orientation_);
}

Image EncodedImage::decode_resized(const ResizedPart& wanted) const {
  // Bits are to be those of resizing the upright picture, rows first.
  if (format_ != ImageFormat::jpeg || orientation_ != 1) {
    return resize(decode(wanted.part), wanted.height, wanted.width, wanted.interpolation);
  }
  const int denominator = reduction(wanted);
  const ReducedAxis rows = reduced_axis(wanted.part.top, wanted.part.height, wanted.height, denominator);
  const ReducedAxis columns = reduced_axis(wanted.part.left, wanted.part.width, wanted.width, denominator);
  RowResizer resizer(rows.stretch, columns.stretch, 3, wanted.interpolation);
  JpegDecoder(bytes_, name_)
      .decode_rows({rows.begin, columns.begin, rows.size, columns.size}, denominator,
                   [&](const uint8_t* pixels) { resizer.push(pixels); });
  return resizer.take();
}

Image read_image(const std::filesystem::path& path, const ImageLimits& limits) {
  const MappedFile file(path);
  return EncodedImage(file.bytes(), path.string(), limits).decode();
}

}  // namespace lv::data
