#include <cstdlib>
#include <set>

#include "apps/checkpoint/zip.h"
#include "core/error.h"
#include "tests/checkpoint/archive.h"
#include "tests/fuzz/fuzz.h"

using namespace lv;
using namespace lv::test;

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto archive = std::as_bytes(std::span(data, size));
  try {
    std::set<std::string> names;
    size_t total = 0;
    for (const checkpoint::ZipEntry& entry : checkpoint::read_zip(archive, "fuzzed")) {
      require(names.insert(entry.name).second);
      require(entry.bytes.data() >= archive.data() && entry.bytes.size() <= size &&
              size_t(entry.bytes.data() - archive.data()) <= size - entry.bytes.size());
      total += entry.bytes.size();
    }
    require(total <= size);
  } catch (const IoError& error) {
    require(std::string_view(error.what()).starts_with("fuzzed: "));
  }
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  const std::string archive = make_archive({{"a", "content"}, {"b/c", ""}});
  const size_t end = archive.find("PK\5\6");
  const std::string zip64_end = std::string("PK\6\6\x2c") + std::string(7, '\0') + std::string("\x2d\0\x2d\0", 4) +
                                std::string(8, '\0') + std::string("\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16);
  const auto number = [](uint64_t value) { return std::string(reinterpret_cast<const char*>(&value), sizeof value); };
  const size_t directory = archive.find("PK\1\2");
  const std::string zip64 = archive.substr(0, end) + zip64_end + number(end - directory) + number(directory) +
                            std::string("PK\6\7\0\0\0\0", 8) + number(end) + std::string("\1\0\0\0", 4) +
                            archive.substr(end);
  return {archive, zip64, make_archive({}), archive.substr(0, archive.size() - 2) + std::string("\3\0abc", 5)};
}

std::vector<std::string_view> fuzz_tokens() {
  return {"PK\1\2",
          "PK\3\4",
          "PK\5\6",
          "PK\6\6",
          "PK\6\7",
          "\xff\xff\xff\xff",
          "\xff\xff",
          "a",
          "b/c",
          "\1",
          std::string_view("\0\0\0\0", 4),
          std::string_view("\1\0\x10\0", 4)};
}

/// Checksums, which are not checked where they are 0.
void fuzz_repair(std::string& input) {
  constexpr size_t kChecksum = 16;
  for (size_t at = input.find("PK\1\2"); at != std::string::npos && at + kChecksum + 4 <= input.size();
       at = input.find("PK\1\2", at + 1)) {
    input.replace(at + kChecksum, 4, 4, '\0');
  }
}
