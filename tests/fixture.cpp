#include "tests/fixture.h"

#include <stdexcept>

namespace lv::test {

std::filesystem::path fixture(std::string_view name) {
  auto path = std::filesystem::path(LV_FIXTURES) / name;
  if (!std::filesystem::exists(path)) {
    throw std::runtime_error("no fixture " + path.string());
  }
  return path;
}

}  // namespace lv::test
