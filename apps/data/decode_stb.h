#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "apps/data/image.h"

namespace lv::data {

/// A PNG or BMP, whose header has been checked, as RGB. No single allocation exceeds `max_allocation` bytes. Throws
/// IoError that begins with `name`.
Image decode_with_stb(std::span<const std::byte> bytes, std::string_view name, int64_t max_allocation);

}  // namespace lv::data
