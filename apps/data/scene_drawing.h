#pragma once

#include "apps/data/digit_scene.h"
#include "apps/data/scene_layout.h"

namespace lv::data {

/// Draws a scene and its annotation; the digits are those of `split`.
[[nodiscard]] DigitScene draw_scene(const SceneLayout& layout, Split split, int64_t height, int64_t width);

}  // namespace lv::data
