#pragma once

#include <string>
#include <string_view>

namespace lv {

/// Whether `text` is well-formed UTF-8: no cut or overlong sequences, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

/// Appends the character `code`. A surrogate gives bytes that is_utf8 refuses.
void append_utf8(std::string& out, unsigned code);

}  // namespace lv
