#pragma once

#include <cstdint>
#include <filesystem>

#include "apps/data/image.h"

namespace lv::data {

/// What a map of classes must be like.
struct LabelMapRules {
  int64_t height = 0;  // of the picture that it belongs to
  int64_t width = 0;
  int num_classes = 0;
  int ignored = 255;  // the value of pixels without a class
};

/// Reads a map of classes, a PNG of grey values or of palette indices (the index is the class) of at most 8 bits: one
/// channel. Throws IoError that names the file for another format, another size, or a value that is no class.
[[nodiscard]] Image read_label_map(const std::filesystem::path& path, const LabelMapRules& rules);

}  // namespace lv::data
