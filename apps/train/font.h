#pragma once

#include <array>
#include <cstdint>

namespace lv::train {

/// A letter, column by column from the left; bit 0 of a column is its top row.
struct Glyph {
  std::array<uint8_t, 5> columns{};
  int width = 0;
};

/// The letter of a printable ASCII character; that of '?' for any other.
Glyph glyph_of(char c);

}  // namespace lv::train
