#include "apps/data/image_filter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "apps/data/image_color.h"
#include "apps/data/image_geometry.h"
#include "core/error.h"

namespace lv::data {

namespace {

constexpr int kPasses = 3;
constexpr int kTransposed = 5;  // EXIF's number for it

/// The radius of the box filter, kPasses of which have the variance of a Gaussian; in single precision, as in Pillow.
float box_radius(float sigma) {
  const float variance = sigma * sigma / kPasses;
  const auto length = float(std::sqrt(12.0 * double(variance) + 1.0));
  const auto whole = float(std::floor((double(length) - 1.0) / 2.0));
  float rest = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
  rest /= 6 * (variance - (whole + 1) * (whole + 1));
  return whole + rest;
}

struct BoxArgs {
  const uint8_t* in;  // [height, row_bytes]
  uint8_t* out;       // the same
  uint32_t* sums;     // [row_bytes]
  int64_t height;
  int64_t row_bytes;
  int64_t radius;  // whole pixels to either side
  uint32_t whole_weight;
  uint32_t edge_weight;  // of the two pixels beyond
};

// Along the columns; a running sum for each byte of a row.
void box_blur_columns(const BoxArgs& args) {
  const auto row = [&](int64_t y) { return args.in + std::clamp<int64_t>(y, 0, args.height - 1) * args.row_bytes; };
  for (int64_t x = 0; x < args.row_bytes; ++x) {
    args.sums[x] = 0;
  }
  for (int64_t y = -args.radius - 1; y < args.radius; ++y) {
    const uint8_t* const in = row(y);
    for (int64_t x = 0; x < args.row_bytes; ++x) {
      args.sums[x] += in[x];
    }
  }
  for (int64_t y = 0; y < args.height; ++y) {
    const uint8_t* const entering = row(y + args.radius);
    const uint8_t* const leaving = row(y - args.radius - 1);
    const uint8_t* const next = row(y + args.radius + 1);
    uint8_t* const out = args.out + y * args.row_bytes;
    for (int64_t x = 0; x < args.row_bytes; ++x) {
      const uint32_t sum = args.sums[x] + entering[x] - leaving[x];
      args.sums[x] = sum;
      out[x] =
          uint8_t((sum * args.whole_weight + (uint32_t(leaving[x]) + next[x]) * args.edge_weight + (1U << 23)) >> 24);
    }
  }
}

Image box_blur_columns(Image image, float radius) {
  const auto whole = uint32_t(float(1 << 24) / (radius * 2 + 1));
  const auto whole_radius = int64_t(radius);
  std::vector<uint32_t> sums(size_t(image.row_bytes()));
  Image other(image.height, image.width, image.channels);
  for (int pass = 0; pass < kPasses; ++pass) {
    box_blur_columns({.in = image.pixels.data(),
                      .out = other.pixels.data(),
                      .sums = sums.data(),
                      .height = image.height,
                      .row_bytes = image.row_bytes(),
                      .radius = whole_radius,
                      .whole_weight = whole,
                      .edge_weight = ((1U << 24) - uint32_t(whole_radius * 2 + 1) * whole) / 2});
    std::swap(image, other);
  }
  return image;
}

struct SmoothArgs {
  const uint8_t* above;
  const uint8_t* middle;
  const uint8_t* below;
  uint8_t* out;
  int64_t count;
  int64_t step;  // bytes to the next pixel
};

// Products are summed row by row in single precision from the bottom up, with rounding to the nearest at the end.
void smooth_row(const SmoothArgs& args) {
  constexpr float kSide = 1.0F / 13;
  constexpr float kCenter = 5.0F / 13;
  const int64_t d = args.step;
  const auto line = [d](const uint8_t* in, float center) {
    return float(in[-d]) * kSide + float(in[0]) * center + float(in[d]) * kSide;
  };
  for (int64_t i = 0; i < args.count; ++i) {
    float sum = 0.5F;
    sum += line(args.below + i, kSide);
    sum += line(args.middle + i, kCenter);
    sum += line(args.above + i, kSide);
    args.out[i] = uint8_t(std::clamp(sum, 0.0F, 255.0F));
  }
}

Image smooth(const Image& image) {
  Image result = image;
  const int64_t step = image.channels;
  for (int64_t y = 1; y + 1 < image.height; ++y) {
    smooth_row({.above = image.row(y - 1) + step,
                .middle = image.row(y) + step,
                .below = image.row(y + 1) + step,
                .out = result.row(y) + step,
                .count = image.row_bytes() - 2 * step,
                .step = step});
  }
  return result;
}

}  // namespace

Image gaussian_blur(const Image& image, double sigma) {
  LV_CHECK(sigma >= 0, "gaussian_blur: sigma must be at least 0, got {}", sigma);
  const float radius = box_radius(float(sigma));
  if (radius == 0) {
    return image;
  }
  const Image rows_done = box_blur_columns(upright(image, kTransposed), radius);
  return box_blur_columns(upright(rows_done, kTransposed), radius);
}

Image adjust_sharpness(const Image& image, double factor) { return blend(smooth(image), image, factor); }

}  // namespace lv::data
