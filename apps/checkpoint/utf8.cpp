#include "apps/checkpoint/utf8.h"

#include <bit>
#include <cstdint>

namespace lv::checkpoint {

bool is_utf8(std::string_view text) {
  constexpr unsigned kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};  // by length of the sequence
  for (size_t i = 0; i < text.size();) {
    const auto first = uint8_t(text[i]);
    const int leading_ones = std::countl_one(first);
    const size_t length = leading_ones == 0 ? 1 : size_t(leading_ones);
    if (leading_ones == 1 || length > 4 || length > text.size() - i) {
      return false;
    }
    unsigned code = leading_ones == 0 ? first : first & (0x7FU >> length);
    for (size_t k = 1; k < length; ++k) {
      const auto next = uint8_t(text[i + k]);
      if ((next & 0xC0U) != 0x80U) {
        return false;
      }
      code = code << 6 | (next & 0x3FU);
    }
    if (code < kSmallest[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
      return false;
    }
    i += length;
  }
  return true;
}

}  // namespace lv::checkpoint
