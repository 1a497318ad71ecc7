#include "apps/data/mnist.h"

#include <algorithm>
#include <utility>

#include "apps/data/idx.h"
#include "core/error.h"
#include "core/file.h"

namespace lv::data {

namespace fs = std::filesystem;

namespace {

IdxArray read_idx(const fs::path& path, int rank) { return parse_idx(MappedFile(path).bytes(), rank, path.string()); }

}  // namespace

Mnist::Mnist(fs::path images, const fs::path& labels) : images_path_(std::move(images)) {
  IdxArray pictures = read_idx(images_path_, 3);
  height_ = pictures.shape[1];
  width_ = pictures.shape[2];
  pixels_ = std::move(pictures.bytes);
  labels_ = read_idx(labels, 1).bytes;
  LV_CHECK_AS(IoError, pictures.shape[0] == size(), "{}: {} labels for the {} pictures of {}", labels.string(), size(),
              pictures.shape[0], images_path_.string());
  for (int digit = 0; digit < 10; ++digit) {
    class_names_.push_back(std::to_string(digit));
  }
  const auto bad = std::find_if(labels_.begin(), labels_.end(), [](uint8_t label) { return label >= 10; });
  LV_CHECK_AS(IoError, bad == labels_.end(), "{}: number {} has label {}, there are 10 classes", labels.string(),
              bad - labels_.begin(), *bad);
}

Example Mnist::example(int64_t index) const {
  Image image(height_, width_, 1);
  std::copy_n(pixels_.begin() + index * height_ * width_, height_ * width_, image.pixels.begin());
  return {std::move(image), labels_[size_t(index)]};
}

std::string Mnist::name(int64_t index) const { return fmt::format("{}, number {}", images_path_.string(), index); }

}  // namespace lv::data
