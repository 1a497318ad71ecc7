#include "apps/data/digit_scene.h"

#include <utility>

#include "apps/data/scene_drawing.h"
#include "apps/data/scene_layout.h"
#include "core/error.h"
#include "core/generator.h"

namespace lv::data {

std::vector<uint8_t> DigitScene::semantic_map() const {
  std::vector<uint8_t> map(segment_map.size());
  for (size_t i = 0; i < map.size(); ++i) {
    map[i] = uint8_t(segments[segment_map[i]].category);
  }
  return map;
}

std::array<bool, kDigitClasses> DigitScene::digits_present() const {
  std::array<bool, kDigitClasses> present{};
  for (const SceneSegment& segment : segments) {
    if (segment.is_digit()) {
      present[size_t(segment.category)] = true;
    }
  }
  return present;
}

DigitScene make_digit_scene(const DigitSceneOptions& options, Split split, uint64_t seed, int64_t index) {
  const PhiloxKey key{derive_seed(seed, uint64_t(split)), uint64_t(index)};
  return draw_scene(lay_out_scene(options, split, key), split, options.height, options.width);
}

const std::vector<std::string>& scene_category_names() {
  static const std::vector<std::string> names{"0", "1", "2",       "3",      "4",    "5",      "6",      "7",
                                              "8", "9", "stripes", "checks", "dots", "bricks", "clouds", "mosaic"};
  return names;
}

DigitScenes::DigitScenes(const DigitSceneOptions& options, Split split, uint64_t seed, int64_t size)
    : options_(options),
      split_(split),
      seed_(seed),
      size_(size),
      class_names_(scene_category_names().begin(), scene_category_names().begin() + kDigitClasses) {
  LV_CHECK(size > 0, "digit scenes: there must be at least one, got {}", size);
  (void)scene(0);  // checks the options
}

DigitScene DigitScenes::scene(int64_t index) const { return make_digit_scene(options_, split_, seed_, index); }

Example DigitScenes::example(int64_t index) const {
  DigitScene made = scene(index);
  return {std::move(made.image), made.label};
}

std::string DigitScenes::name(int64_t index) const { return fmt::format("digit scene {}", index); }

}  // namespace lv::data
