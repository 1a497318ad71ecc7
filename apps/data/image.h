#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lv::data {

/// A rectangle of pixels: rows [top, top + height), columns [left, left + width).
struct Rect {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;

  constexpr bool operator==(const Rect&) const = default;
};

/// An 8-bit picture, [H, W, C] interleaved without padding; C = 1 (grey) or 3 (RGB).
struct Image {
  int64_t height = 0;
  int64_t width = 0;
  int channels = 3;
  std::vector<uint8_t> pixels;

  Image() = default;
  /// A black picture.
  Image(int64_t height_, int64_t width_, int channels_)
      : height(height_), width(width_), channels(channels_), pixels(size_t(height_ * width_ * channels_)) {}

  [[nodiscard]] int64_t row_bytes() const { return width * channels; }
  [[nodiscard]] const uint8_t* row(int64_t y) const { return pixels.data() + y * row_bytes(); }
  [[nodiscard]] uint8_t* row(int64_t y) { return pixels.data() + y * row_bytes(); }
  [[nodiscard]] Rect bounds() const { return {0, 0, height, width}; }

  bool operator==(const Image&) const = default;
};

}  // namespace lv::data
