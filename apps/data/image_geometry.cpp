#include "apps/data/image_geometry.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numbers>
#include <utility>
#include <vector>

namespace lv::data {

namespace {

/// A stored picture of [height, width] and its upright form: transposed first, then mirrored along the stored axes.
struct Orientation {
  bool transposes;
  bool mirrors_rows;
  bool mirrors_columns;

  explicit Orientation(int exif)
      : transposes(exif >= 5),
        mirrors_rows(exif == 3 || exif == 4 || exif == 6 || exif == 7),
        mirrors_columns(exif == 2 || exif == 3 || exif == 7 || exif == 8) {}
};

int64_t floor_to_pixel(double v) { return v < 0 ? -1 : int64_t(v); }

/// In units of 2^-16, as Pillow rounds it.
int32_t fixed_point(double v) { return int32_t(std::floor(v * 65536 + 0.5)); }

void copy_pixel(const Image& from, int64_t y, int64_t x, uint8_t* to) {
  const uint8_t* pixel = from.row(y) + x * from.channels;
  for (int c = 0; c < from.channels; ++c) {
    to[c] = pixel[c];
  }
}

bool is_inside(const Image& image, int64_t y, int64_t x) {
  return y >= 0 && y < image.height && x >= 0 && x < image.width;
}

/// Axes stay axes: each has its own table of source pixels.
void transform_axes(const Image& image, const AffineMap& map, Image& result) {
  std::vector<int64_t> columns;
  double at = map[2] + map[0] * 0.5;
  for (int64_t x = 0; x < result.width; ++x) {
    columns.push_back(floor_to_pixel(at));
    at += map[0];
  }
  at = map[5] + map[4] * 0.5;
  for (int64_t y = 0; y < result.height; ++y) {
    const int64_t row = floor_to_pixel(at);
    for (int64_t x = 0; x < result.width; ++x) {
      if (is_inside(image, row, columns[size_t(x)])) {
        copy_pixel(image, row, columns[size_t(x)], result.row(y) + x * result.channels);
      }
    }
    at += map[4];
  }
}

void transform_fixed_point(const Image& image, const AffineMap& map, Image& result) {
  const int32_t a = fixed_point(map[0]);
  const int32_t b = fixed_point(map[1]);
  const int32_t d = fixed_point(map[3]);
  const int32_t e = fixed_point(map[4]);
  int32_t row_x = fixed_point(map[2] + map[0] * 0.5 + map[1] * 0.5);
  int32_t row_y = fixed_point(map[5] + map[3] * 0.5 + map[4] * 0.5);
  for (int64_t y = 0; y < result.height; ++y) {
    int32_t at_x = row_x;
    int32_t at_y = row_y;
    for (int64_t x = 0; x < result.width; ++x) {
      if (is_inside(image, at_y >> 16, at_x >> 16)) {
        copy_pixel(image, at_y >> 16, at_x >> 16, result.row(y) + x * result.channels);
      }
      at_x += a;
      at_y += d;
    }
    row_x += b;
    row_y += e;
  }
}

void transform_doubles(const Image& image, const AffineMap& map, Image& result) {
  double row_x = map[2] + map[0] * 0.5 + map[1] * 0.5;
  double row_y = map[5] + map[3] * 0.5 + map[4] * 0.5;
  for (int64_t y = 0; y < result.height; ++y) {
    double at_x = row_x;
    double at_y = row_y;
    for (int64_t x = 0; x < result.width; ++x) {
      if (is_inside(image, floor_to_pixel(at_y), floor_to_pixel(at_x))) {
        copy_pixel(image, floor_to_pixel(at_y), floor_to_pixel(at_x), result.row(y) + x * result.channels);
      }
      at_x += map[0];
      at_y += map[3];
    }
    row_x += map[1];
    row_y += map[4];
  }
}

/// Whether every corner's source fits 16.16 bits.
bool fits_fixed_point(const Image& image, const AffineMap& map) {
  const auto fits = [&](double x, double y) {
    return std::abs(x * map[0] + y * map[1] + map[2]) < 32768 && std::abs(x * map[3] + y * map[4] + map[5]) < 32768;
  };
  const auto w = double(image.width);
  const auto h = double(image.height);
  return fits(0, 0) && fits(w, h) && fits(0, h) && fits(w, 0);
}

double radians(double degrees) { return degrees * (std::numbers::pi / 180); }

/// The inverse of a turn-free shear by angles x and y, as torchvision composes it.
AffineMap inverse_shear(double x, double y) {
  const double a = std::cos(-y) / std::cos(y);
  const double b = -std::cos(-y) * std::tan(x) / std::cos(y);
  const double c = std::sin(-y) / std::cos(y);
  const double d = -std::sin(-y) * std::tan(x) / std::cos(y) + 1;
  return {d, -b, 0, -c, a, 0};
}

double to_15_decimals(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15f", v);
  return std::strtod(text, nullptr);
}

}  // namespace

Image crop(const Image& image, const Rect& part) {
  Image result(part.height, part.width, image.channels);
  const int64_t left = std::max<int64_t>(part.left, 0);
  const int64_t right = std::min(part.left + part.width, image.width);
  const int64_t top = std::max<int64_t>(part.top, 0);
  const int64_t bottom = std::min(part.top + part.height, image.height);
  for (int64_t y = top; y < bottom && left < right; ++y) {
    std::memcpy(result.row(y - part.top) + (left - part.left) * image.channels, image.row(y) + left * image.channels,
                size_t((right - left) * image.channels));
  }
  return result;
}

Image flip_horizontally(const Image& image) { return upright(image, 2); }

Image upright(const Image& stored, int orientation) {
  const Orientation how(orientation);
  Image result(how.transposes ? stored.width : stored.height, how.transposes ? stored.height : stored.width,
               stored.channels);
  for (int64_t y = 0; y < result.height; ++y) {
    uint8_t* out = result.row(y);
    for (int64_t x = 0; x < result.width; ++x) {
      const int64_t row = how.transposes ? x : y;
      const int64_t column = how.transposes ? y : x;
      copy_pixel(stored, how.mirrors_rows ? stored.height - 1 - row : row,
                 how.mirrors_columns ? stored.width - 1 - column : column, out);
      out += result.channels;
    }
  }
  return result;
}

Rect stored_part(const Rect& upright_part, int orientation, int64_t height, int64_t width) {
  const Orientation how(orientation);
  Rect part = upright_part;
  if (how.transposes) {
    std::swap(part.top, part.left);
    std::swap(part.height, part.width);
  }
  if (how.mirrors_rows) {
    part.top = height - part.top - part.height;
  }
  if (how.mirrors_columns) {
    part.left = width - part.left - part.width;
  }
  return part;
}

Image transform_nearest(const Image& image, const AffineMap& map) {
  Image result(image.height, image.width, image.channels);
  if (map[1] == 0 && map[3] == 0) {
    transform_axes(image, map, result);
  } else if (fits_fixed_point(image, map)) {
    transform_fixed_point(image, map, result);
  } else {
    transform_doubles(image, map, result);
  }
  return result;
}

AffineMap shear_map(double sx, double sy) {
  // Through degrees and back, where the reference's rounding happens.
  const auto angle = [](double tangent) { return radians(std::atan(tangent) * (180 / std::numbers::pi)); };
  return inverse_shear(angle(sx), angle(sy));
}

AffineMap translation_map(const Image& image, int64_t dx, int64_t dy) {
  const double center_x = double(image.width) * 0.5;
  const double center_y = double(image.height) * 0.5;
  return {1, 0, -center_x - double(dx) + center_x, 0, 1, -center_y - double(dy) + center_y};
}

AffineMap rotation_map(const Image& image, double degrees) {
  const double angle = -radians(degrees < 0 ? degrees + 360 : degrees);
  const double center_x = double(image.width) / 2;
  const double center_y = double(image.height) / 2;
  AffineMap map = {to_15_decimals(std::cos(angle)),  to_15_decimals(std::sin(angle)), 0,
                   to_15_decimals(-std::sin(angle)), to_15_decimals(std::cos(angle)), 0};
  map[2] = map[0] * -center_x + map[1] * -center_y + center_x;
  map[5] = map[3] * -center_x + map[4] * -center_y + center_y;
  return map;
}

}  // namespace lv::data
