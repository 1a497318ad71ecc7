#include <cstdlib>
#include <cstring>
#include <set>

#include "core/safetensors.h"
#include "core/safetensors_header.h"
#include "tests/fuzz/fuzz.h"

using namespace lv;

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

/// What holds for every file that was accepted, whatever its bytes.
void check_accepted(const SafetensorsFile& file, size_t size, size_t header_bytes) {
  size_t data_bytes = 0;
  std::set<std::string> names;
  safetensors::Header header{.entries = {}, .metadata = file.metadata};
  for (const auto& [name, tensor] : file.tensors) {
    require(names.insert(name).second);
    const auto bytes = uint64_t(tensor.size_bytes());
    header.entries.push_back({name, tensor.dtype(), tensor.shape(), data_bytes, data_bytes + bytes});
    data_bytes += bytes;
  }
  require(8 + header_bytes + data_bytes == size);
  // Written again, the header says the same.
  const safetensors::Header again = safetensors::parse_header(safetensors::format_header(header, "again"), "again");
  require(again.metadata == header.metadata && again.entries.size() == header.entries.size());
  for (size_t i = 0; i < again.entries.size(); ++i) {
    require(again.entries[i].name == header.entries[i].name && again.entries[i].shape == header.entries[i].shape);
  }
}

std::string seed(std::string_view header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
  return bytes.append(header).append(data_bytes, '\0');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const SafetensorsFile file = parse_safetensors(std::as_bytes(std::span(data, size)), "fuzzed");
    uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, data, sizeof header_bytes);
    check_accepted(file, size, size_t(header_bytes));
  } catch (const IoError& error) {
    require(std::string_view(error.what()).starts_with("fuzzed: "));
  }
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  return {seed("{}", 0), seed(R"({"__metadata__":{"format":"pt","\u00e9\n":""}})", 0),
          seed(R"({"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"BOOL","shape":[],)"
               R"("data_offsets":[8,9]}}   )",
               9),
          seed(R"({"e":{"dtype":"BF16","shape":[0,3],"data_offsets":[4,4]},)"
               R"("i":{"shape":[1,1,1,1,1,1],"dtype":"I32","data_offsets":[0,4]}})",
               4)};
}

std::vector<std::string_view> fuzz_tokens() {
  return {"\"",
          "\\u00e9",
          "\\ud800\\udc00",
          "\\",
          "{",
          "}",
          "[",
          "]",
          ",",
          ":",
          "0",
          "1",
          "18446744073709551615",
          "-1",
          "F64",
          "U8",
          "\"dtype\"",
          "\"shape\"",
          "\"data_offsets\"",
          "__metadata__",
          " ",
          "\n",
          "\xC3\xA9",
          "\xFF"};
}

/// The length of the header, up to its last brace.
void fuzz_repair(std::string& input) {
  if (input.size() >= sizeof(uint64_t)) {
    const size_t brace = input.rfind('}');
    const uint64_t length = brace == std::string::npos || brace < 8 ? 0 : brace + 1 - 8;
    input.replace(0, sizeof length, reinterpret_cast<const char*>(&length), sizeof length);
  }
}
