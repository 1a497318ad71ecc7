#include "apps/data/cifar.h"

#include <algorithm>
#include <fstream>

#include "core/error.h"

namespace lv::data {

namespace fs = std::filesystem;

namespace {

constexpr int64_t kSide = 32;
constexpr int64_t kPlane = kSide * kSide;

std::vector<std::string> read_names(const fs::path& file, size_t count) {
  std::vector<std::string> names;
  if (file.empty()) {
    for (size_t i = 0; i < count; ++i) {
      names.push_back(std::to_string(i));
    }
    return names;
  }
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) {
      line.pop_back();
    }
    if (!line.empty()) {
      names.push_back(line);
    }
  }
  LV_CHECK_AS(IoError, names.size() == count, "{}: {} names of classes are needed, there are {}", file.string(), count,
              names.size());
  return names;
}

}  // namespace

Cifar::Cifar(CifarKind kind, const std::vector<fs::path>& files, const fs::path& names_file)
    : label_bytes_(kind == CifarKind::cifar10 ? 1 : 2),
      class_names_(read_names(names_file, kind == CifarKind::cifar10 ? 10 : 100)) {
  LV_CHECK(!files.empty(), "cifar: no files are given");
  const int64_t record_bytes = label_bytes_ + 3 * kPlane;
  int64_t begin = 0;
  for (const fs::path& path : files) {
    auto content = std::make_unique<MappedFile>(path);
    const auto bytes = int64_t(content->bytes().size());
    LV_CHECK_AS(IoError, bytes > 0, "{}: the file is empty", path.string());
    LV_CHECK_AS(IoError, bytes % record_bytes == 0, "{}: {} bytes are no whole number of records of {} bytes",
                path.string(), bytes, record_bytes);
    files_.push_back({path, std::move(content), begin, begin + bytes / record_bytes});
    const File& file = files_.back();
    for (int64_t index = file.begin; index < file.end; ++index) {
      const int label = label_of(record(file, index));
      LV_CHECK_AS(IoError, label < int(class_names_.size()), "{}: record {} has label {}, there are {} classes",
                  path.string(), index - file.begin, label, class_names_.size());
    }
    begin = file.end;
  }
}

const Cifar::File& Cifar::file_of(int64_t index) const {
  return *std::upper_bound(files_.begin(), files_.end(), index,
                           [](int64_t wanted, const File& file) { return wanted < file.end; });
}

const uint8_t* Cifar::record(const File& file, int64_t index) const {
  const auto* bytes = reinterpret_cast<const uint8_t*>(file.content->bytes().data());
  return bytes + (index - file.begin) * (label_bytes_ + 3 * kPlane);
}

Example Cifar::example(int64_t index) const {
  const uint8_t* bytes = record(file_of(index), index);
  const uint8_t* planes = bytes + label_bytes_;
  Image image(kSide, kSide, 3);
  for (int64_t i = 0; i < kPlane; ++i) {
    for (int64_t channel = 0; channel < 3; ++channel) {
      image.pixels[size_t(3 * i + channel)] = planes[channel * kPlane + i];
    }
  }
  return {std::move(image), label_of(bytes)};
}

std::string Cifar::name(int64_t index) const {
  const File& file = file_of(index);
  return fmt::format("{}, record {}", file.path.string(), index - file.begin);
}

}  // namespace lv::data
