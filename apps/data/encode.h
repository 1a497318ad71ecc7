#pragma once

#include <filesystem>
#include <string>

#include "apps/data/image.h"

namespace lv::data {

/// The bytes of a PNG file. Throws Error for a picture without pixels.
std::string encode_png(const Image& image);

/// Writes a PNG, complete or not at all. Throws IoError that names the file.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace lv::data
