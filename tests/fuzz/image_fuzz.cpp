#include <cstdlib>

#include "apps/data/decode.h"
#include "apps/data/encode.h"
#include "core/error.h"
#include "core/file.h"
#include "tests/fixture.h"
#include "tests/fuzz/fuzz.h"

using namespace lv;
using namespace lv::data;
using namespace std::literals;

namespace {

constexpr int64_t kMaxPixels = 1 << 14;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

void check(const Image& image, int64_t height, int64_t width) {
  require(image.height == height && image.width == width && image.channels == 3);
  require(image.pixels.size() == size_t(3 * height * width));
}

/// A quarter of the rows and columns is left out on each side.
Rect middle(const Rect& whole) {
  return {whole.height / 4, whole.width / 4, (whole.height + 1) / 2, (whole.width + 1) / 2};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const EncodedImage encoded(std::as_bytes(std::span(data, size)), "fuzzed", {.max_pixels = kMaxPixels});
    require(encoded.height() > 0 && encoded.width() > 0 && encoded.height() * encoded.width() <= kMaxPixels);
    const Rect part = middle(encoded.bounds());
    if (size % 3 == 0) {
      check(encoded.decode(), encoded.height(), encoded.width());
    } else if (size % 3 == 1) {
      check(encoded.decode(part), part.height, part.width);
    } else {
      check(encoded.decode_resized({.part = part, .height = 3, .width = 5, .min_reduction = 1}), 3, 5);
    }
  } catch (const IoError& error) {
    require(std::string_view(error.what()).starts_with("fuzzed: "));
  }
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  std::vector<std::string> seeds{encode_png(Image(3, 4, 3)), encode_png(Image(2, 9, 1))};
  for (const char* name : {"png_ok/gray1.png", "png_ok/1x1_rgb.png", "png_ok/palette4.png", "png_ok/palette8_trns.png",
                           "png_ok/exif_orientation6.png", "png_ok/interlaced.png", "jpeg_ok/odd_17x13.jpg",
                           "jpeg_ok/1x1_gray.jpg", "jpeg_ok/gray.jpg", "jpeg_ok/progressive.jpg", "jpeg_ok/restart.jpg",
                           "jpeg_ok/arithmetic.jpg", "jpeg_ok/cmyk_adobe.jpg", "jpeg_ok/exif_orientation6.jpg"}) {
    const MappedFile file(test::fixture("bad_inputs") / name);
    seeds.emplace_back(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  }
  // 2 x 2 pixels of 24 bits, and of one bit with two colours.
  const auto bmp = [](std::string_view size, std::string_view bits, std::string_view rest) {
    return "BM"s + std::string(size) + std::string(4, '\0') + std::string(bits) + std::string(rest);
  };
  const std::string_view header = "\x28\0\0\0\2\0\0\0\2\0\0\0\1\0"sv;
  const std::string zeros(24, '\0');
  seeds.push_back(
      bmp("\x46\0\0\0"sv, "\x36\0\0\0"sv, std::string(header) + "\x18\0"s + zeros + "abcdef\0\0ghijkl\0\0"s));
  seeds.push_back(
      bmp("\x46\0\0\0"sv, "\x3E\0\0\0"sv, std::string(header) + "\1\0"s + zeros + "abc\0def\0\x80\0\0\0\x40\0\0\0"s));
  return seeds;
}

std::vector<std::string_view> fuzz_tokens() {
  return {"IHDR"sv,      "PLTE"sv,     "IDAT"sv,     "IEND"sv,         "tRNS"sv,
          "eXIf"sv,      "CgBI"sv,     "\0\0\0\1"sv, "\0\0\0\0"sv,     "\x7F\xFF\xFF\xFF"sv,
          "\xFF\xD8"sv,  "\xFF\xD9"sv, "\xFF\xDA"sv, "\xFF\xC0"sv,     "\xFF\xC2"sv,
          "\xFF\xC4"sv,  "\xFF\xDB"sv, "\xFF\xDD"sv, "\xFF\xE1"sv,     "\xFF\xEE"sv,
          "Adobe"sv,     "Exif\0\0"sv, "II*\0"sv,    "\x12\1\3\0\1"sv, "BM"sv,
          "\x28\0\0\0"sv};
}

/// The end of a PNG or JPEG.
void fuzz_repair(std::string& input) {
  constexpr auto kEnd = "\0\0\0\0IEND\xAE\x42\x60\x82"sv;
  if (input.starts_with("\x89PNG") && !input.ends_with(kEnd)) {
    input += kEnd;
  } else if (input.starts_with("\xFF\xD8") && !input.ends_with("\xFF\xD9")) {
    input += "\xFF\xD9";
  }
}
