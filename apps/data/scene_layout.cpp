#include "apps/data/scene_layout.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <optional>

#include "apps/data/digit_bank.h"
#include "apps/data/draws.h"
#include "core/error.h"

namespace lv::data {

namespace {

constexpr int64_t kScaleOne = 1 << 16;
constexpr int64_t kReferenceSide = 96;  // at scale 1 and this size, digits keep their own pixels
constexpr int64_t kMaxRegions = 4;
constexpr int kColorCandidates = 12;
constexpr int kPlacementTries = 12;

/// The options as whole numbers.
struct Knobs {
  int64_t min_scale;  // in kScaleOne
  int64_t max_scale;
  int64_t max_digits;
  int64_t clutter;   // of 256
  int64_t contrast;  // of 256
};

Knobs checked(const DigitSceneOptions& o) {
  const auto is_size = [](int64_t size) { return size >= 16 && size <= 8192; };
  LV_CHECK(is_size(o.height) && is_size(o.width) && std::max(o.height, o.width) <= 8 * std::min(o.height, o.width),
           "digit scenes: height and width must be from 16 to 8192 and at most 8 times each other, got {} x {}",
           o.height, o.width);
  LV_CHECK(o.min_scale >= 0.1 && o.min_scale <= o.max_scale && o.max_scale <= 8,
           "digit scenes: scales must be from 0.1 to 8, the lower one first, got {} to {}", o.min_scale, o.max_scale);
  LV_CHECK(o.max_digits >= 1 && o.max_digits <= 64, "digit scenes: max_digits must be from 1 to 64, got {}",
           o.max_digits);
  LV_CHECK(o.clutter >= 0 && o.clutter <= 1, "digit scenes: clutter must be from 0 to 1, got {}", o.clutter);
  LV_CHECK(o.contrast >= 0 && o.contrast <= 1, "digit scenes: contrast must be from 0 to 1, got {}", o.contrast);
  return {std::lround(o.min_scale * double(kScaleOne)), std::lround(o.max_scale * double(kScaleOne)), o.max_digits,
          std::lround(o.clutter * 256), std::lround(o.contrast * 256)};
}

/// Scales of a scene's digits, descending. The first is at least 1.5 times any other, so that it is plain which is the
/// largest; among the others small ones are more frequent.
std::vector<int64_t> draw_scales(const Knobs& knobs, Draws& draws) {
  constexpr int kBits = 16;
  const int64_t count = draws.between(1, knobs.max_digits);
  int64_t u = 0;
  for (int64_t i = 0; i < count; ++i) {
    u = std::max(u, draws.below(1 << kBits));
  }
  std::vector<int64_t> scales{knobs.min_scale + ((knobs.max_scale - knobs.min_scale) * u >> kBits)};
  const int64_t limit = scales[0] * 2 / 3;
  for (int64_t i = 1; i < count && limit >= knobs.min_scale; ++i) {
    u = draws.below(1 << kBits);
    scales.push_back(knobs.min_scale + ((limit - knobs.min_scale) * (u * u >> kBits) >> kBits));
  }
  std::sort(scales.begin(), scales.end(), std::greater<>());
  return scales;
}

Color draw_color(Draws& draws, int low, int high) {
  Color color;
  for (int& channel : color) {
    channel = int(draws.between(low, high));
  }
  return color;
}

/// How far two colours look apart, roughly.
int distance(const Color& a, const Color& b) {
  return 2 * std::abs(a[0] - b[0]) + 4 * std::abs(a[1] - b[1]) + std::abs(a[2] - b[2]);
}

std::vector<SceneRegion> draw_regions(const SceneLayout& layout, const Knobs& knobs, Draws& draws) {
  std::array<int, kTextureClasses> textures{};
  std::iota(textures.begin(), textures.end(), 0);
  std::vector<SceneRegion> regions(size_t(draws.between(1, kMaxRegions)));
  for (size_t i = 0; i < regions.size(); ++i) {
    std::swap(textures[i], textures[i + size_t(draws.below(int64_t(textures.size() - i)))]);
    SceneRegion& region = regions[i];
    region.x = draws.below(layout.width);
    region.y = draws.below(layout.height);
    region.texture = textures[i];
    region.frame =
        Frame::turned(draws.between(-(1 << 15), 1 << 15), draws.between(6, 14) * kSceneUnit / kReferenceSide);
    region.salt = draws.bits();
    region.color = draw_color(draws, 64, 192);
    const int strength = int(4 + knobs.clutter * knobs.clutter * 124 / (256 * 256));
    region.swing = draw_color(draws, -strength, strength);
  }
  return regions;
}

/// The area in which the boxes around two digits meet.
int64_t overlap(const PlacedDigit& a, const PlacedDigit& b) {
  const int64_t width =
      std::min(a.x + a.half_width, b.x + b.half_width) - std::max(a.x - a.half_width, b.x - b.half_width);
  const int64_t height =
      std::min(a.y + a.half_height, b.y + b.half_height) - std::max(a.y - a.half_height, b.y - b.half_height);
  return std::max<int64_t>(width, 0) * std::max<int64_t>(height, 0);
}

int64_t box_area(const PlacedDigit& digit) { return 4 * digit.half_width * digit.half_height; }

/// A coordinate at which a box lies within the picture, or covers it from side to side where it is the larger one.
int64_t draw_center(Draws& draws, int64_t half_box, int64_t picture) {
  return draws.between(std::min(half_box, picture - half_box), std::max(half_box, picture - half_box));
}

/// Places digits from the largest to the smallest. One that finds no place without hiding too much of another, larger
/// one is left out.
class Placement {
 public:
  Placement(SceneLayout& layout, const DigitBank& bank, Draws& draws) : layout_(layout), bank_(bank), draws_(draws) {}

  void add(int64_t scale) {
    PlacedDigit digit = draw_digit(scale);
    for (int i = 0; i < kPlacementTries; ++i) {
      digit.x = draw_center(draws_, digit.half_width, layout_.width);
      digit.y = draw_center(draws_, digit.half_height, layout_.height);
      if (leaves_enough_of_others(digit)) {
        for (size_t k = 0; k < hidden_.size(); ++k) {
          hidden_[k] += overlap(layout_.digits[k], digit);
        }
        layout_.digits.push_back(digit);
        hidden_.push_back(0);
        return;
      }
    }
  }

 private:
  PlacedDigit draw_digit(int64_t scale) {
    constexpr int64_t kHalfTurn = (1 << 15) / 8;  // up to 14 degrees either way
    PlacedDigit digit;
    digit.value = int(draws_.below(kDigitClasses));
    digit.number = draws_.below(bank_.count(digit.value));
    digit.frame =
        Frame::turned(draws_.between(-kHalfTurn, kHalfTurn), scale * (kSceneUnit / kReferenceSide) / kScaleOne);
    const Rect ink = bank_.ink(digit.value, digit.number);
    const auto half_extent = [&](int64_t along_cosine, int64_t along_sine) {
      const int64_t extent = digit.frame.cosine * along_cosine + std::abs(digit.frame.sine) * along_sine;
      return extent * digit.frame.step >> 17;
    };
    digit.half_width = half_extent(ink.width, ink.height);
    digit.half_height = half_extent(ink.height, ink.width);
    return digit;
  }

  [[nodiscard]] bool leaves_enough_of_others(const PlacedDigit& digit) const {
    for (size_t k = 0; k < hidden_.size(); ++k) {
      const PlacedDigit& other = layout_.digits[k];
      if ((hidden_[k] + overlap(other, digit)) * 5 > box_area(other)) {
        return false;
      }
    }
    return true;
  }

  SceneLayout& layout_;
  const DigitBank& bank_;
  Draws& draws_;
  std::vector<int64_t> hidden_;  // area of each digit's box that later ones may cover
};

/// The region whose site is nearest.
const SceneRegion& region_at(const SceneLayout& layout, int64_t x, int64_t y) {
  return *std::min_element(layout.regions.begin(), layout.regions.end(), [&](const auto& a, const auto& b) {
    const auto squared = [&](const SceneRegion& r) { return (r.x - x) * (r.x - x) + (r.y - y) * (r.y - y); };
    return squared(a) < squared(b);
  });
}

/// Colours a digit unlike what lies below it: of some candidates the one whose nearest colour there is farthest.
void color_digit(SceneLayout& layout, size_t number, const Knobs& knobs, Draws& draws) {
  PlacedDigit& digit = layout.digits[number];
  std::vector<Color> below;
  for (int64_t row = -1; row <= 1; ++row) {
    for (int64_t column = -1; column <= 1; ++column) {
      below.push_back(
          region_at(layout, digit.x + column * digit.half_width / 2, digit.y + row * digit.half_height / 2).color);
    }
  }
  for (size_t k = 0; k < number; ++k) {
    if (overlap(layout.digits[k], digit) > 0) {
      below.push_back(layout.digits[k].color);
    }
  }
  int best = -1;
  for (int i = 0; i < kColorCandidates; ++i) {
    const Color candidate = draw_color(draws, 0, 255);
    int nearest = 1 << 20;
    for (const Color& color : below) {
      nearest = std::min(nearest, distance(candidate, color));
    }
    if (nearest > best) {
      best = nearest;
      digit.color = candidate;
    }
  }
  digit.opacity = int(draws.between(knobs.contrast, 256));
}

}  // namespace

Frame Frame::turned(int64_t half_turn, int64_t step) {
  const int64_t one = int64_t{1} << 30;
  const int64_t square = half_turn * half_turn;
  Frame frame;
  frame.cosine = ((one - square) << 16) / (one + square);
  frame.sine = (half_turn << 32) / (one + square);
  frame.step = step;
  frame.x_ = (frame.cosine << 16) / step;
  frame.y_ = (frame.sine << 16) / step;
  return frame;
}

SceneLayout lay_out_scene(const DigitSceneOptions& options, Split split, PhiloxKey key) {
  const Knobs knobs = checked(options);
  Draws draws(key);
  SceneLayout layout;
  const int64_t shorter = std::min(options.height, options.width);
  layout.height = options.height * kSceneUnit / shorter;
  layout.width = options.width * kSceneUnit / shorter;
  layout.salt = draws.bits();
  layout.regions = draw_regions(layout, knobs, draws);
  Placement placement(layout, DigitBank::of(split), draws);
  for (const int64_t scale : draw_scales(knobs, draws)) {
    placement.add(scale);
  }
  for (size_t i = 0; i < layout.digits.size(); ++i) {
    color_digit(layout, i, knobs, draws);
  }
  return layout;
}

}  // namespace lv::data
