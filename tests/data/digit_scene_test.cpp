#include "apps/data/digit_scene.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "apps/data/digit_bank.h"
#include "apps/data/scene_drawing.h"
#include "apps/data/scene_layout.h"
#include "core/error.h"

using namespace lv;
using namespace lv::data;
using Catch::Contains;

namespace {

/// FNV-1a of everything that a scene consists of.
uint64_t fingerprint(const DigitScene& scene) {
  uint64_t hash = 0xcbf29ce484222325U;
  const auto add = [&](uint64_t value) { hash = (hash ^ value) * 0x100000001b3U; };
  for (const uint8_t value : scene.image.pixels) {
    add(value);
  }
  for (const uint8_t value : scene.segment_map) {
    add(value);
  }
  for (const SceneSegment& s : scene.segments) {
    for (const int64_t value : {int64_t(s.category), s.box.top, s.box.left, s.box.height, s.box.width, s.area}) {
      add(uint64_t(value));
    }
  }
  add(uint64_t(scene.label));
  return hash;
}

SceneLayout layout_of(const DigitSceneOptions& options, int64_t index) {
  return lay_out_scene(options, Split::train, {17, uint64_t(index)});
}

/// One digit of full opacity in white, upright and of its own pixels, on black.
SceneLayout plain_layout(int value, int64_t number) {
  const Rect ink = DigitBank::of(Split::train).ink(value, number);
  SceneLayout layout;
  layout.regions.resize(1);
  layout.regions[0].frame = Frame::turned(0, kSceneUnit / 8);
  PlacedDigit digit;
  digit.value = value;
  digit.number = number;
  // In a picture of 64 pixels, 1024 units each, the digit's upper left corner comes to pixel (16, 20).
  digit.y = (16 * 2 + ink.top * 2 + ink.height) * 512;
  digit.x = (20 * 2 + ink.left * 2 + ink.width) * 512;
  digit.half_height = ink.height * 512;
  digit.half_width = ink.width * 512;
  digit.frame = Frame::turned(0, 1024);
  digit.color = {255, 255, 255};
  layout.digits = {digit};
  return layout;
}

}  // namespace

TEST_CASE("digit scenes: the same numbers give the same bits on every machine and thread") {
  // Recorded once; arithmetic on whole numbers leaves no room for others.
  CHECK(fingerprint(make_digit_scene({}, Split::train, 1, 0)) == 0xd8d84e18e772b3c8U);
  CHECK(fingerprint(make_digit_scene({}, Split::held_out, 1, 0)) == 0x17c73b31f3182c3U);
  CHECK(fingerprint(make_digit_scene({.height = 65, .width = 130}, Split::train, 2, 123456789012)) ==
        0xe88f68f8477dfe51U);

  std::vector<uint64_t> alone;
  for (int64_t i = 0; i < 40; ++i) {
    alone.push_back(fingerprint(make_digit_scene({}, Split::train, 5, i)));
  }
  CHECK(std::set<uint64_t>(alone.begin(), alone.end()).size() == alone.size());
  std::vector<uint64_t> together(alone.size());
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = t; i < together.size(); i += 4) {
        together[i] = fingerprint(make_digit_scene({}, Split::train, 5, int64_t(i)));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(alone == together);
}

TEST_CASE("digit scenes: map and list of segments agree at any resolution") {
  for (const auto& [height, width] :
       std::vector<std::pair<int64_t, int64_t>>{{96, 96}, {16, 16}, {33, 129}, {300, 40}}) {
    for (int64_t index = 0; index < 30; ++index) {
      const DigitScene scene = make_digit_scene({.height = height, .width = width}, Split::held_out, 3, index);
      REQUIRE(scene.image.height == height);
      REQUIRE(scene.image.width == width);
      REQUIRE(scene.segment_map.size() == size_t(height * width));
      std::array<bool, kDigitClasses> present{};
      bool textures_began = false;
      for (size_t s = 0; s < scene.segments.size(); ++s) {
        const SceneSegment& segment = scene.segments[s];
        CHECK_FALSE((segment.is_digit() && textures_began));
        textures_began |= !segment.is_digit();
        REQUIRE(segment.category < kDigitClasses + kTextureClasses);
        if (segment.is_digit()) {
          present[size_t(segment.category)] = true;
        }
        int64_t area = 0, top = height, left = width, bottom = -1, right = -1;
        for (int64_t y = 0; y < height; ++y) {
          for (int64_t x = 0; x < width; ++x) {
            if (scene.segment_map[size_t(y * width + x)] == s) {
              ++area;
              top = std::min(top, y);
              left = std::min(left, x);
              bottom = std::max(bottom, y);
              right = std::max(right, x);
            }
          }
        }
        CHECK(segment.area == area);
        CHECK(area > 0);
        CHECK(segment.box == Rect{top, left, bottom - top + 1, right - left + 1});
      }
      CHECK(*std::max_element(scene.segment_map.begin(), scene.segment_map.end()) < scene.segments.size());
      CHECK(scene.digits_present() == present);
      const std::vector<uint8_t> semantic = scene.semantic_map();
      for (size_t i = 0; i < semantic.size(); i += 7) {
        CHECK(semantic[i] == scene.segments[scene.segment_map[i]].category);
      }
    }
  }
}

TEST_CASE("digit scenes: the label is the value of the digit that is larger than all others") {
  std::array<int, kDigitClasses> counts{};
  for (int64_t index = 0; index < 2000; ++index) {
    const SceneLayout layout = layout_of({}, index);
    REQUIRE(!layout.digits.empty());
    REQUIRE(layout.digits.size() <= 12);
    ++counts[size_t(layout.digits[0].value)];
    for (size_t i = 1; i < layout.digits.size(); ++i) {
      CHECK(layout.digits[0].frame.step * 2 >= (layout.digits[i].frame.step - 1) * 3);  // steps are rounded
      CHECK(layout.digits[i - 1].frame.step >= layout.digits[i].frame.step);
    }
    if (index < 50) {
      const DigitScene scene = draw_scene(layout, Split::train, 96, 96);
      CHECK(scene.label == layout.digits[0].value);
      CHECK(scene.segments[0].category == scene.label);
    }
  }
  // Six standard deviations of a binomial distribution.
  for (const int count : counts) {
    CHECK(std::abs(count - 200) < 6 * 13.5);
  }
}

TEST_CASE("digit scenes: a scene is the same at another resolution") {
  for (int64_t index = 0; index < 20; ++index) {
    const DigitScene small = make_digit_scene({.height = 96, .width = 192}, Split::train, 8, index);
    const DigitScene large = make_digit_scene({.height = 384, .width = 768}, Split::train, 8, index);
    CHECK(small.label == large.label);
    const std::vector<uint8_t> few = small.semantic_map();
    const std::vector<uint8_t> many = large.semantic_map();
    int64_t same = 0;
    for (int64_t y = 0; y < 96; ++y) {
      for (int64_t x = 0; x < 192; ++x) {
        same += int64_t(few[size_t(y * 192 + x)] == many[size_t((4 * y + 2) * 768 + 4 * x + 2)]);
      }
    }
    CHECK(double(same) / (96 * 192) > 0.96);  // all but the digits' edges
  }
}

TEST_CASE("digit scenes: a digit drawn at its own size covers the pixels that are inked") {
  const DigitBank& bank = DigitBank::of(Split::train);
  for (int value = 0; value < kDigitClasses; ++value) {
    const DigitScene scene = draw_scene(plain_layout(value, value + 3), Split::train, 64, 64);
    const auto pixels = bank.pixels(value, value + 3);
    for (int64_t y = 0; y < 64; ++y) {
      for (int64_t x = 0; x < 64; ++x) {
        const bool is_inside = y >= 16 && y < 44 && x >= 20 && x < 48;
        const int grey = is_inside ? pixels[size_t((y - 16) * 28 + x - 20)] : 0;
        CHECK((scene.segment_map[size_t(y * 64 + x)] == 0) == (grey >= 112));
        CHECK((scene.image.row(y)[3 * x] >= 127) == (grey >= 112));
      }
    }
  }
}

TEST_CASE("digit scenes: smaller digits lie upon larger ones and leave most of them in sight") {
  int64_t shown = 0;
  int64_t all = 0;
  for (int64_t index = 0; index < 100; ++index) {
    SceneLayout layout = layout_of({}, index);
    const DigitScene scene = draw_scene(layout, Split::train, 96, 96);
    shown += scene.segments[0].area;
    layout.digits.resize(1);
    const int64_t area = draw_scene(layout, Split::train, 96, 96).segments[0].area;
    all += area;
    CHECK(scene.segments[0].area * 2 > area);
  }
  CHECK(shown < all);
  CHECK(double(shown) > 0.9 * double(all));
}

TEST_CASE("digit scenes: scale range, number of digits, clutter and contrast do what they say") {
  for (int64_t index = 0; index < 200; ++index) {
    const SceneLayout layout = layout_of({.min_scale = 0.5, .max_scale = 2, .max_digits = 3}, index);
    CHECK(layout.digits.size() <= 3);
    for (const PlacedDigit& digit : layout.digits) {
      CHECK(digit.frame.step >= kSceneUnit / 96 / 2);
      CHECK(digit.frame.step <= kSceneUnit / 96 * 2 + 1);
    }
    for (const PlacedDigit& digit : layout_of({.contrast = 1}, index).digits) {
      CHECK(digit.opacity == 256);
    }
  }
  const auto mean_swing = [](double clutter) {
    int64_t sum = 0;
    for (int64_t index = 0; index < 200; ++index) {
      for (const SceneRegion& region : layout_of({.clutter = clutter}, index).regions) {
        sum += std::abs(region.swing[0]);
      }
    }
    return sum;
  };
  CHECK(mean_swing(0.5) > 2 * mean_swing(0));
  CHECK(mean_swing(1) > mean_swing(0.5));
  // Opacity: white on black is grey.
  SceneLayout faint = plain_layout(8, 0);
  faint.digits[0].opacity = 128;
  const DigitScene scene = draw_scene(faint, Split::train, 64, 64);
  CHECK(*std::max_element(scene.image.pixels.begin(), scene.image.pixels.end()) == 127);
}

TEST_CASE("digit scenes: as a data set") {
  const DigitScenes scenes({.height = 32, .width = 48}, Split::train, 4, 10);
  CHECK(scenes.size() == 10);
  CHECK(scenes.class_names() == std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
  CHECK(scene_category_names().size() == size_t(kDigitClasses + kTextureClasses));
  const DigitScene scene = make_digit_scene({.height = 32, .width = 48}, Split::train, 4, 7);
  CHECK(std::get<Image>(scenes.example(7).picture) == scene.image);
  CHECK(scenes.example(7).label == scene.label);
  CHECK(fingerprint(scenes.scene(7)) == fingerprint(scene));
  CHECK(scenes.name(7) == "digit scene 7");
}

TEST_CASE("digit scenes: options out of range are refused") {
  const auto refuse = [](const DigitSceneOptions& options, const std::string& reason) {
    CHECK_THROWS_WITH(make_digit_scene(options, Split::train, 0, 0), Contains(reason));
  };
  refuse({.height = 8}, "height and width");
  refuse({.height = 16, .width = 1000}, "8 times");
  refuse({.min_scale = 2, .max_scale = 1}, "scales");
  refuse({.max_digits = 0}, "max_digits");
  refuse({.clutter = 2}, "clutter");
  refuse({.contrast = -1}, "contrast");
  CHECK_THROWS_WITH(DigitScenes({}, Split::train, 0, 0), Contains("at least one"));
}
