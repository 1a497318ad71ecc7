#pragma once

#include <filesystem>
#include <string_view>

namespace lv::train {

/// A file that grows by whole records. Every member throws IoError that names the file and the system's reason.
class AppendFile {
 public:
  explicit AppendFile(std::filesystem::path path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// Appends `record` in one write, which other readers see whole.
  void write(std::string_view record);

 private:
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace lv::train
