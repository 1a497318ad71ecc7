#pragma once
#include <string_view>

namespace lv::test {

/// Notes that the running test case could not check something here, and why ("no CUDA device"). The case then counts as
/// skipped unless it fails, and the reasons are listed when the program ends. The caller returns by itself.
void skip(std::string_view reason);

/// Whether the program is built with a sanitizer that makes it several times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace lv::test
