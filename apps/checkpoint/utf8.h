#pragma once

#include <string_view>

namespace lv::checkpoint {

/// Whether `text` is well-formed UTF-8: no cut or overlong sequences, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace lv::checkpoint
