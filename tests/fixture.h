#pragma once
#include <filesystem>
#include <string_view>

namespace lv::test {

/// The file `name` of tests/fixtures. Throws std::runtime_error that names the path if there is none.
std::filesystem::path fixture(std::string_view name);

}  // namespace lv::test
