#pragma once

#include "core/safetensors.h"

// The JSON header of a safetensors file, apart from the tensors' bytes.

namespace lv::safetensors {

inline constexpr size_t kMaxHeaderBytes = 100'000'000;
inline constexpr std::string_view kMetadataKey = "__metadata__";

/// What the header says of one tensor; its bytes are [begin, end) of the data.
struct Entry {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct Header {
  std::vector<Entry> entries;  // in the order of the text
  SafetensorsMetadata metadata;
};

/// Reads the JSON text: an object of entries {"dtype", "shape", "data_offsets"} and, under "__metadata__", of strings.
/// Nothing else is accepted. Checks each entry by itself (known dtype, rank, sizes that match the offsets) and that
/// names are unique. Throws IoError that begins with `source`.
Header parse_header(std::string_view text, std::string_view source);

/// The JSON text of a header. Throws IoError that begins with `source` for a name that is not UTF-8.
std::string format_header(const Header& header, std::string_view source);

}  // namespace lv::safetensors
