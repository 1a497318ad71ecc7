#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace lv {

// The safetensors format: the header's length (64 bits, little endian), a JSON header, the tensors' bytes, row-major.

using SafetensorsMetadata = std::map<std::string, std::string>;

struct SafetensorsFile {
  std::string source;                // the file's name, for messages
  std::vector<NamedTensor> tensors;  // on the CPU, in the header's order
  SafetensorsMetadata metadata;

  /// The tensor of that name, or null.
  [[nodiscard]] const Tensor* find(std::string_view name) const;
  /// The tensor of that name. Throws IoError that names the file when there is none.
  [[nodiscard]] const Tensor& at(std::string_view name) const;
};

/// Reads a whole file. dtypes: F32, F64, F16, BF16, I32, I64, U8, BOOL; rank 0 to kMaxRank. Every byte of the header is
/// checked before a tensor is made: throws IoError that names the file, what is wrong and what to change.
SafetensorsFile load_safetensors(const std::filesystem::path& path);

/// As load_safetensors, from memory; `source` stands for the file's name in errors.
SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, std::string_view source);

/// Writes `tensors` (any device and layout; names unique, UTF-8) and `metadata`. Data begins at a multiple of 64 bytes,
/// wider elements first, so that every tensor is aligned in a mapped file. The file appears complete or not at all:
/// when this throws (IoError), a file that was there is still whole.
void save_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                      const SafetensorsMetadata& metadata = {});

}  // namespace lv
