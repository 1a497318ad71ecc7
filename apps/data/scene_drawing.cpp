#include "apps/data/scene_drawing.h"

#include <algorithm>
#include <span>

#include "apps/data/digit_bank.h"
#include "apps/data/scene_texture.h"

namespace lv::data {

namespace {

/// Where pixels are in the scene: pixel i of `side` has its centre at half a pixel more.
std::vector<int64_t> centers(int64_t pixels, int64_t shorter_side) {
  std::vector<int64_t> result(static_cast<size_t>(pixels));
  for (int64_t i = 0; i < pixels; ++i) {
    result[size_t(i)] = (2 * i + 1) * kSceneUnit / (2 * shorter_side);
  }
  return result;
}

/// A digit's grey values at full, half or quarter size with an empty border, so that readers between pixels need no
/// limits.
class DigitRaster {
 public:
  /// `halvings`: 0, 1 or 2.
  DigitRaster(std::span<const uint8_t> digit, int halvings) : size_(kDigitSize >> halvings) {
    const int64_t block = int64_t{1} << halvings;
    for (int64_t y = 0; y < kDigitSize; ++y) {
      for (int64_t x = 0; x < kDigitSize; ++x) {
        at(y / block, x / block) += digit[size_t(y * kDigitSize + x)];
      }
    }
    for (int& value : values_) {
      value >>= 2 * halvings;
    }
  }

  /// Between the pixels' centres; u, v in 1/256 pixel from the corner.
  [[nodiscard]] int between(int64_t u, int64_t v) const {
    u -= 128;
    v -= 128;
    const int64_t x = u >> 8;
    const int64_t y = v >> 8;
    if (x < -1 || x >= size_ || y < -1 || y >= size_) {
      return 0;
    }
    const int right = int(u & 255);
    const int down = int(v & 255);
    const int* p = &values_[size_t((y + 1) * kStride + x + 1)];
    const int top = p[0] * (256 - right) + p[1] * right;
    const int bottom = p[kStride] * (256 - right) + p[kStride + 1] * right;
    return (top * (256 - down) + bottom * down) >> 16;
  }

 private:
  static constexpr int64_t kStride = kDigitSize + 2;
  int& at(int64_t y, int64_t x) { return values_[size_t((y + 1) * kStride + x + 1)]; }

  int64_t size_;
  std::array<int, kStride * kStride> values_{};
};

class SceneDrawing {
 public:
  SceneDrawing(const SceneLayout& layout, Split split, int64_t height, int64_t width)
      : layout_(layout),
        bank_(DigitBank::of(split)),
        shorter_side_(std::min(height, width)),
        xs_(centers(width, shorter_side_)),
        ys_(centers(height, shorter_side_)) {
    scene_.image = Image(height, width, 3);
    scene_.segment_map.resize(size_t(height * width));
    scene_.label = layout.digits.front().value;
  }

  DigitScene finished() {
    for (size_t y = 0; y < ys_.size(); ++y) {
      draw_background(y);
    }
    for (size_t i = 0; i < layout_.digits.size(); ++i) {
      draw_digit(i);
    }
    list_segments();
    return std::move(scene_);
  }

 private:
  // While drawing, the map holds numbers in the layout: digits, then regions.
  [[nodiscard]] uint8_t region_number(size_t region) const { return uint8_t(layout_.digits.size() + region); }

  void draw_background(size_t y) {
    uint8_t* pixel = scene_.image.row(int64_t(y));
    uint8_t* segment = &scene_.segment_map[y * xs_.size()];
    for (const int64_t x : xs_) {
      const size_t number = region_at(x, ys_[y]);
      const SceneRegion& region = layout_.regions[number];
      const int64_t dx = x - region.x;
      const int64_t dy = ys_[y] - region.y;
      const int value =
          texture_value(Texture(region.texture), region.frame.u(dx, dy), region.frame.v(dx, dy), region.salt);
      for (size_t channel = 0; channel < 3; ++channel) {
        *pixel++ = uint8_t(std::clamp(region.color[channel] + (region.swing[channel] * value >> 7), 0, 255));
      }
      *segment++ = region_number(number);
    }
  }

  /// The region with the nearest site; noise bends the borders.
  [[nodiscard]] size_t region_at(int64_t x, int64_t y) const {
    if (layout_.regions.size() == 1) {
      return 0;
    }
    constexpr int64_t kNoiseSteps = 4;                // across the shorter side
    constexpr int64_t kReach = kSceneUnit / 8 / 256;  // units for one level of noise
    const int64_t u = x * kNoiseSteps * 256 / kSceneUnit;
    const int64_t v = y * kNoiseSteps * 256 / kSceneUnit;
    const int64_t bent_x = x + (smooth_noise(u, v, layout_.salt, 0) - 128) * kReach;
    const int64_t bent_y = y + (smooth_noise(u, v, layout_.salt, 8) - 128) * kReach;
    size_t nearest = 0;
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < layout_.regions.size(); ++i) {
      const int64_t dx = bent_x - layout_.regions[i].x;
      const int64_t dy = bent_y - layout_.regions[i].y;
      if (const int64_t squared = dx * dx + dy * dy; squared < least) {
        least = squared;
        nearest = i;
      }
    }
    return nearest;
  }

  /// The pixels whose centres lie within a distance of a point, as indices [first, last).
  static std::pair<size_t, size_t> pixels_near(const std::vector<int64_t>& all, int64_t center, int64_t distance) {
    const auto first = std::lower_bound(all.begin(), all.end(), center - distance);
    const auto last = std::upper_bound(first, all.end(), center + distance);
    return {size_t(first - all.begin()), size_t(last - all.begin())};
  }

  void draw_digit(size_t number) {
    const PlacedDigit& digit = layout_.digits[number];
    // Digits that are drawn smaller than they are stored are averaged first.
    int64_t step = kSceneUnit * 256 / (shorter_side_ * digit.frame.step);  // digit pixels a picture pixel, in 1/256
    int halvings = 0;
    while (step > 384 && halvings < 2) {
      step /= 2;
      ++halvings;
    }
    const DigitRaster raster(bank_.pixels(digit.value, digit.number), halvings);
    const Rect ink = bank_.ink(digit.value, digit.number);
    const int64_t u0 = (2 * ink.left + ink.width) * 128;  // of the inked box's centre
    const int64_t v0 = (2 * ink.top + ink.height) * 128;
    // Edges are about one and a half pixels wide at any size.
    const int64_t steepness = std::clamp<int64_t>(int64_t{192} * 256 / std::max<int64_t>(step, 1), 320, 2048);
    const int64_t margin = 2 * digit.frame.step + 2 * kSceneUnit / shorter_side_;
    const auto [left, right] = pixels_near(xs_, digit.x, digit.half_width + margin);
    const auto [top, bottom] = pixels_near(ys_, digit.y, digit.half_height + margin);
    for (size_t y = top; y < bottom; ++y) {
      const int64_t dy = ys_[y] - digit.y;
      for (size_t x = left; x < right; ++x) {
        const int64_t dx = xs_[x] - digit.x;
        const int64_t u = (u0 + digit.frame.u(dx, dy)) >> halvings;
        const int64_t v = (v0 + digit.frame.v(dx, dy)) >> halvings;
        if (const int grey = raster.between(u, v); grey > 0) {
          const int cover = int(std::clamp<int64_t>(128 + ((grey - kEdge) * steepness >> 8), 0, 255));
          blend(y, x, number, cover);
        }
      }
    }
  }

  void blend(size_t y, size_t x, size_t number, int cover) {
    const PlacedDigit& digit = layout_.digits[number];
    uint8_t* pixel = scene_.image.row(int64_t(y)) + 3 * x;
    for (size_t channel = 0; channel < 3; ++channel) {
      const int below = pixel[channel];
      pixel[channel] = uint8_t(below + ((digit.color[channel] - below) * cover * digit.opacity >> 16));
    }
    if (cover >= 128) {
      scene_.segment_map[y * xs_.size() + x] = uint8_t(number);
    }
  }

  /// Makes the list of what is visible, and the map refer to it.
  void list_segments() {
    struct Extent {
      int64_t area = 0;
      int64_t top = INT64_MAX, left = INT64_MAX, bottom = 0, right = 0;
    };
    std::vector<Extent> extents(layout_.digits.size() + layout_.regions.size());
    const auto height = int64_t(ys_.size());
    const auto width = int64_t(xs_.size());
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        Extent& extent = extents[scene_.segment_map[size_t(y * width + x)]];
        ++extent.area;
        extent.top = std::min(extent.top, y);
        extent.bottom = y + 1;
        extent.left = std::min(extent.left, x);
        extent.right = std::max(extent.right, x + 1);
      }
    }
    std::vector<uint8_t> renumbered(extents.size());
    for (size_t i = 0; i < extents.size(); ++i) {
      const Extent& e = extents[i];
      if (e.area > 0) {
        const size_t digits = layout_.digits.size();
        const int category = i < digits ? layout_.digits[i].value : kDigitClasses + layout_.regions[i - digits].texture;
        renumbered[i] = uint8_t(scene_.segments.size());
        scene_.segments.push_back({category, {e.top, e.left, e.bottom - e.top, e.right - e.left}, e.area});
      }
    }
    for (uint8_t& number : scene_.segment_map) {
      number = renumbered[number];
    }
  }

  static constexpr int kEdge = 112;  // grey value at a digit's edge

  const SceneLayout& layout_;
  const DigitBank& bank_;
  int64_t shorter_side_;
  std::vector<int64_t> xs_;  // of columns and rows of pixels, in the scene
  std::vector<int64_t> ys_;
  DigitScene scene_;
};

}  // namespace

DigitScene draw_scene(const SceneLayout& layout, Split split, int64_t height, int64_t width) {
  return SceneDrawing(layout, split, height, width).finished();
}

}  // namespace lv::data
