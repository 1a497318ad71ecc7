#pragma once
// The textures of Digit Scenes: a value for each point, from whole numbers alone.

#include <algorithm>
#include <cstdint>

namespace lv::data {

enum class Texture { stripes, checks, dots, bricks, clouds, mosaic };

/// A number of 32 bits for a place on a grid.
inline uint32_t grid_hash(int64_t column, int64_t row, uint32_t salt) {
  uint32_t h = uint32_t(column) * 0x9E3779B1U ^ uint32_t(row) * 0x85EBCA77U ^ salt;
  h = (h ^ h >> 16) * 0x7FEB352DU;
  h = (h ^ h >> 15) * 0x846CA68BU;
  return h ^ h >> 16;
}

/// Between random numbers of 8 bits at whole steps: `shift` says which bits of the hash. u, v in 1/256 step.
inline int smooth_noise(int64_t u, int64_t v, uint32_t salt, int shift) {
  const auto ease = [](int64_t coordinate) {
    const int f = int(coordinate & 255);
    return f * f * (768 - 2 * f) >> 16;
  };
  const auto corner = [&](int64_t column, int64_t row) { return int(grid_hash(column, row, salt) >> shift & 255); };
  const int64_t column = u >> 8;
  const int64_t row = v >> 8;
  const int right = ease(u);
  const int down = ease(v);
  const int top = corner(column, row) * (256 - right) + corner(column + 1, row) * right;
  const int bottom = corner(column, row + 1) * (256 - right) + corner(column + 1, row + 1) * right;
  return (top * (256 - down) + bottom * down) >> 16;
}

/// From -128 to 127 at the point (u, v), in 1/256 of the texture's step.
inline int texture_value(Texture texture, int64_t u, int64_t v, uint32_t salt) {
  const auto wave = [](int64_t coordinate) {  // of period 256, its flanks steep
    const int triangle = std::abs(int(coordinate & 255) - 128) * 2 - 128;
    return std::clamp(triangle * 3, -128, 127);
  };
  const auto shade = [salt](int64_t column, int64_t row) { return int(grid_hash(column, row, salt) & 255) - 128; };
  switch (texture) {
    case Texture::stripes:
      return wave(u);
    case Texture::checks:
      return wave(u) * wave(v) >> 7;
    case Texture::dots: {
      const int x = int(u & 255) - 128;
      const int y = int(v & 255) - 128;
      return std::clamp((80 * 80 - x * x - y * y) / 24, -128, 127);
    }
    case Texture::bricks: {
      const int64_t row = v >> 8;
      const int64_t along = (u >> 1) + (row & 1) * 128;
      const bool is_mortar = (along & 255) < 26 || (v & 255) < 52;
      return is_mortar ? 127 : (shade(along >> 8, row) - 128) / 2;
    }
    case Texture::clouds:
      return std::clamp((2 * smooth_noise(u / 2, v / 2, salt, 0) + smooth_noise(u, v, salt, 8)) / 2 - 192, -128, 127);
    case Texture::mosaic:
      return shade(u >> 8, v >> 8);
  }
  return 0;
}

}  // namespace lv::data
