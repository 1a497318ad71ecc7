#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "apps/data/digit_scene.h"
#include "core/philox.h"

namespace lv::data {

// Note [Scenes in whole numbers]: a scene is laid out in units of 1 / kSceneUnit of its shorter side and drawn from
// there at any resolution. All arithmetic is on integers, so that no compiler or library can round otherwise.
inline constexpr int64_t kSceneUnit = 1 << 16;

using Color = std::array<int, 3>;

/// A turned and scaled frame: how offsets in the scene, in units, become steps of a texture or pixels of a digit.
struct Frame {
  int64_t cosine = 0;  // in 2^-16
  int64_t sine = 0;
  int64_t step = 1;  // units in the scene

  /// Turned by twice the arc tangent of half_turn / 2^15.
  static Frame turned(int64_t half_turn, int64_t step);

  // Coordinates in 1/256 step of an offset.
  [[nodiscard]] int64_t u(int64_t dx, int64_t dy) const { return (x_ * dx + y_ * dy) >> 24; }
  [[nodiscard]] int64_t v(int64_t dx, int64_t dy) const { return (x_ * dy - y_ * dx) >> 24; }

 private:
  int64_t x_ = 0;
  int64_t y_ = 0;
};

/// The part of the picture that is nearest to a site, filled with a texture.
struct SceneRegion {
  int64_t x = 0;
  int64_t y = 0;
  int texture = 0;
  Frame frame;
  uint32_t salt = 0;  // of the texture's random shades
  Color color{};      // of the texture's middle
  Color swing{};      // from there to its extremes
};

struct PlacedDigit {
  int value = 0;
  int64_t number = 0;  // among those of that value in the split
  int64_t x = 0;       // centre of the inked box
  int64_t y = 0;
  int64_t half_width = 0;  // of the upright box around the turned inked one
  int64_t half_height = 0;
  Frame frame;
  Color color{};
  int opacity = 256;  // of 256
};

struct SceneLayout {
  int64_t height = kSceneUnit;
  int64_t width = kSceneUnit;
  uint32_t salt = 0;  // of the borders between regions
  std::vector<SceneRegion> regions;
  std::vector<PlacedDigit> digits;  // the largest first; each covers those before it
};

/// Throws Error for options out of range.
[[nodiscard]] SceneLayout lay_out_scene(const DigitSceneOptions& options, Split split, PhiloxKey key);

}  // namespace lv::data
