#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/checkpoint/zip.h"

namespace lv::test {

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// The bytes of an archive of stored files.
inline std::string make_archive(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string result;
  checkpoint::ZipWriter writer(
      [&](std::span<const std::byte> bytes) {
        result.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      },
      "archive");
  for (const auto& [name, contents] : files) {
    writer.add(name, bytes_of(contents));
  }
  writer.finish();
  return result;
}

/// A checkpoint of this pickle whose storages "0" and "1" have 16 and 3 bytes.
inline std::string make_checkpoint(const std::string& pickle) {
  return make_archive({{"a/data.pkl", pickle}, {"a/data/0", std::string(16, '\1')}, {"a/data/1", "\1\2\3"}});
}

}  // namespace lv::test
