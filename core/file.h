#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace lv {

/// The bytes of a file, mapped read-only. Throws IoError that names the file when it cannot be opened or mapped.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

/// Writes a file that appears under its name complete or not at all: the bytes go to a temporary name in the same
/// folder, and commit() moves them. Whatever happens before that, a file which has the name already stays as it is.
/// Every member throws IoError that names the file, the step and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  /// Removes the temporary file when commit() has not been reached.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Flushes to the disk, renames, and flushes the folder.
  void commit();

 private:
  [[noreturn]] void fail_step(std::string_view step) const;
  void close_file() noexcept;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// Flushes a folder's list of names to the disk, so that a rename in it survives a power cut. Throws IoError.
void sync_folder(const std::filesystem::path& folder);

}  // namespace lv
