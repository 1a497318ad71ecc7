#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/data/dataset.h"

namespace lv::data {

/// A pair of idx files as MNIST's, plain or compressed by gzip (told by their content): grey pictures, labels 0 to 9.
class Mnist final : public Dataset {
 public:
  /// Throws IoError that names the file when it is damaged (see parse_idx), a label is out of range, or the numbers of
  /// pictures and labels differ.
  Mnist(std::filesystem::path images, const std::filesystem::path& labels);

  [[nodiscard]] int64_t size() const override { return int64_t(labels_.size()); }
  [[nodiscard]] const std::vector<std::string>& class_names() const override { return class_names_; }
  [[nodiscard]] Example example(int64_t index) const override;
  [[nodiscard]] std::string name(int64_t index) const override;

 private:
  std::filesystem::path images_path_;
  int64_t height_ = 0;
  int64_t width_ = 0;
  std::vector<uint8_t> pixels_;
  std::vector<uint8_t> labels_;
  std::vector<std::string> class_names_;
};

}  // namespace lv::data
