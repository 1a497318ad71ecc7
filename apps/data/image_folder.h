#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/data/dataset.h"

namespace lv::data {

/// A folder with a folder of pictures for each class. Classes are sorted by name, pictures by path, byte by byte; they
/// may lie deeper. Names that begin with a dot and files without a picture's extension (jpg, jpeg, png, bmp, in any
/// case) are passed over.
class ImageFolder final : public Dataset {
 public:
  enum class EmptyClasses { refused, allowed };

  /// Throws IoError when there is no such folder, no class in it, or no picture in a class: with EmptyClasses::allowed,
  /// in all of them.
  explicit ImageFolder(std::filesystem::path root, EmptyClasses empty_classes = EmptyClasses::refused);

  [[nodiscard]] int64_t size() const override { return int64_t(path_ends_.size()); }
  [[nodiscard]] const std::vector<std::string>& class_names() const override { return class_names_; }
  /// The picture is the file's path.
  [[nodiscard]] Example example(int64_t index) const override;
  [[nodiscard]] std::string name(int64_t index) const override { return path(index).string(); }

 private:
  void add_class(const std::filesystem::path& folder);
  [[nodiscard]] std::filesystem::path path(int64_t index) const;

  std::filesystem::path root_;
  std::vector<std::string> class_names_;
  std::vector<int64_t> class_ends_;  // samples of the classes up to this one
  std::string paths_;                // of all pictures below the root, one after the other
  std::vector<int64_t> path_ends_;
};

}  // namespace lv::data
