#pragma once
// Digit Scenes: pictures with handwritten digits of many sizes over textures, and all there is to know about them. The
// same numbers give the same scene, bit by bit, on every machine and thread.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "apps/data/dataset.h"
#include "apps/data/image.h"

namespace lv::data {

inline constexpr int kDigitClasses = 10;
inline constexpr int kTextureClasses = 6;

/// How scenes look, and how hard they are.
struct DigitSceneOptions {
  int64_t height = 96;
  int64_t width = 96;
  double min_scale = 0.3;  // of a digit; at scale 1 its 28 x 28 pixels take 28 / 96 of the picture's shorter side
  double max_scale = 4;
  int max_digits = 12;    // a scene has at least one
  double clutter = 0.5;   // strength of the textures: 0 (faint) to 1 (as strong as the digits)
  double contrast = 0.8;  // opacity of the faintest digits, 0 to 1
};

/// A part of a scene that can be told from the others: a digit, or all of one texture.
struct SceneSegment {
  int category = 0;  // a digit's value, or kDigitClasses + the number of the texture
  Rect box;          // around the visible pixels
  int64_t area = 0;  // visible pixels

  [[nodiscard]] bool is_digit() const { return category < kDigitClasses; }
};

struct DigitScene {
  Image image;                         // RGB
  std::vector<uint8_t> segment_map;    // [H, W], numbers of segments
  std::vector<SceneSegment> segments;  // those with visible pixels: digits, the largest first, then textures
  int label = 0;                       // the value of the largest digit, at least 1.5 times the size of any other

  // The map and the list are the panoptic annotation; the segments that are digits, alone, that of instances and (by
  // their boxes) of detection. Other tasks:

  /// Categories by pixel, [H, W].
  [[nodiscard]] std::vector<uint8_t> semantic_map() const;
  /// Which digits are seen at all.
  [[nodiscard]] std::array<bool, kDigitClasses> digits_present() const;
};

/// Scene `index` of the sequence that `seed` stands for. Scenes of the two splits are made of digits by different
/// writers. Two calls that differ in height and width, but not in their ratio, show the same scene at two resolutions.
/// Throws Error for options out of range: sizes from 16 to 8192 and at most 8 times each other, scales from 0.1 to 8.
[[nodiscard]] DigitScene make_digit_scene(const DigitSceneOptions& options, Split split, uint64_t seed, int64_t index);

/// By category: "0" to "9", then the textures.
[[nodiscard]] const std::vector<std::string>& scene_category_names();

/// The sequence of `seed` as a classification data set: the label is the value of the largest digit.
class DigitScenes final : public Dataset {
 public:
  /// `size` scenes; a longer sequence begins with the shorter one.
  DigitScenes(const DigitSceneOptions& options, Split split, uint64_t seed, int64_t size);

  [[nodiscard]] int64_t size() const override { return size_; }
  [[nodiscard]] const std::vector<std::string>& class_names() const override { return class_names_; }
  [[nodiscard]] Example example(int64_t index) const override;
  [[nodiscard]] std::string name(int64_t index) const override;
  /// Everything about sample `index`.
  [[nodiscard]] DigitScene scene(int64_t index) const;

 private:
  DigitSceneOptions options_;
  Split split_;
  uint64_t seed_;
  int64_t size_;
  std::vector<std::string> class_names_;
};

}  // namespace lv::data
