#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/data/dataset.h"
#include "core/file.h"

namespace lv::data {

enum class CifarKind { cifar10, cifar100 };

/// CIFAR-10 or CIFAR-100 in its binary version: 32 x 32 pixels, RGB. CIFAR-100 counts by its 100 fine labels.
class Cifar final : public Dataset {
 public:
  /// The records of `files`, one file after the other. Classes are named by the lines of `names_file`, and by their
  /// numbers when it is empty. Throws IoError that names the file when it is empty, ends within a record or holds a
  /// label out of range.
  Cifar(CifarKind kind, const std::vector<std::filesystem::path>& files, const std::filesystem::path& names_file = {});

  [[nodiscard]] int64_t size() const override { return files_.back().end; }
  [[nodiscard]] const std::vector<std::string>& class_names() const override { return class_names_; }
  [[nodiscard]] Example example(int64_t index) const override;
  [[nodiscard]] std::string name(int64_t index) const override;

 private:
  struct File {
    std::filesystem::path path;
    std::unique_ptr<MappedFile> content;
    int64_t begin;  // numbers of its records
    int64_t end;
  };

  [[nodiscard]] const File& file_of(int64_t index) const;
  [[nodiscard]] const uint8_t* record(const File& file, int64_t index) const;
  [[nodiscard]] int label_of(const uint8_t* record) const { return record[label_bytes_ - 1]; }

  int64_t label_bytes_;  // the last one counts
  std::vector<File> files_;
  std::vector<std::string> class_names_;
};

}  // namespace lv::data
