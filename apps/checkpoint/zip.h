#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lv::checkpoint {

/// A file inside an archive; `bytes` lie in the archive's own.
struct ZipEntry {
  std::string name;
  std::span<const std::byte> bytes;
};

/// The files of a zip archive whose contents are stored, not compressed, as torch.save writes them; zip64 included.
/// Everything is checked before it is used: headers, places and sizes (no two files share a byte), names (different,
/// UTF-8) and checksums, except those of 0, which torch writes when they are switched off. Throws IoError that begins
/// with `source`.
std::vector<ZipEntry> read_zip(std::span<const std::byte> archive, std::string_view source);

/// Makes an archive of stored files, each at a multiple of 64 bytes as torch.save does, and hands it to `sink` piece by
/// piece. Throws IoError that begins with `source` when it would reach 4 GiB or 65535 files.
class ZipWriter {
 public:
  using Sink = std::function<void(std::span<const std::byte>)>;
  ZipWriter(Sink sink, std::string source) : sink_(std::move(sink)), source_(std::move(source)) {}
  /// Appends a file; names must differ.
  void add(const std::string& name, std::span<const std::byte> bytes);
  /// Ends the archive.
  void finish();

 private:
  struct Entry {
    std::string name;
    uint32_t begin;
    uint32_t size;
    uint32_t crc;
  };
  void write(std::span<const std::byte> bytes);
  [[nodiscard]] uint32_t narrow(uint64_t value) const;

  Sink sink_;
  std::string source_;
  uint64_t written_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace lv::checkpoint
