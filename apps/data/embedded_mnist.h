#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "apps/data/dataset.h"

namespace lv::data {

/// Two files of apps/data/mnist as they are, part of the program.
struct MnistFiles {
  std::span<const std::byte> images;
  std::span<const std::byte> labels;
  std::string_view source;  // for messages
};

[[nodiscard]] MnistFiles embedded_mnist(Split split);

}  // namespace lv::data
