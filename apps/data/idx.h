#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace lv::data {

/// An array of bytes in MNIST's format.
struct IdxArray {
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes;  // row-major
};

/// Reads an idx file of unsigned bytes and of `rank` dimensions, plain or compressed by gzip. Throws IoError that names
/// `source` for another type or rank, for no elements, and unless the content is exactly as long as its header says;
/// memory is taken only for what a file of this length can hold.
[[nodiscard]] IdxArray parse_idx(std::span<const std::byte> file, int rank, std::string_view source);

}  // namespace lv::data
