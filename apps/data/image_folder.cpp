#include "apps/data/image_folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace lv::data {

namespace fs = std::filesystem;

namespace {

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

bool has_picture_extension(const fs::path& path) {
  constexpr std::array<std::string_view, 4> kExtensions{".jpg", ".jpeg", ".png", ".bmp"};
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

/// The folders in `root` that are not hidden.
std::vector<fs::path> visible_folders(const fs::path& root) {
  std::vector<fs::path> folders;
  for (const fs::directory_entry& entry : fs::directory_iterator(root)) {
    if (!is_hidden(entry.path()) && entry.is_directory()) {
      folders.push_back(entry.path());
    }
  }
  return folders;
}

/// The pictures in `folder` and below.
std::vector<fs::path> pictures_in(const fs::path& folder) {
  std::vector<fs::path> pictures;
  for (auto entry = fs::recursive_directory_iterator(folder, fs::directory_options::follow_directory_symlink);
       entry != fs::recursive_directory_iterator(); ++entry) {
    if (is_hidden(entry->path())) {
      entry.disable_recursion_pending();
    } else if (has_picture_extension(entry->path()) && !entry->is_directory()) {
      pictures.push_back(entry->path());
    }
  }
  return pictures;
}

}  // namespace

ImageFolder::ImageFolder(fs::path root, EmptyClasses empty_classes) : root_(std::move(root)) {
  try {
    LV_CHECK_AS(IoError, fs::exists(root_), "{}: there is no such folder", root_.string());
    LV_CHECK_AS(IoError, fs::is_directory(root_), "{}: this is a file, a folder with class folders is needed",
                root_.string());
    std::vector<fs::path> classes = visible_folders(root_);
    std::sort(classes.begin(), classes.end());
    for (const fs::path& folder : classes) {
      const int64_t before = size();
      add_class(folder);
      LV_CHECK_AS(IoError, size() > before || empty_classes == EmptyClasses::allowed,
                  "{}: this class has no picture (jpg, jpeg, png, bmp)", folder.string());
    }
  } catch (const fs::filesystem_error& error) {
    fail<IoError>("{}: {}", error.path1().string(), error.code().message());
  }
  LV_CHECK_AS(IoError, !class_names_.empty(), "{}: there are no class folders in it", root_.string());
  LV_CHECK_AS(IoError, size() > 0, "{}: there are no pictures in its class folders", root_.string());
}

void ImageFolder::add_class(const fs::path& folder) {
  std::vector<std::string> pictures;
  for (const fs::path& picture : pictures_in(folder)) {
    pictures.push_back(picture.lexically_relative(root_).string());
  }
  std::sort(pictures.begin(), pictures.end());
  for (const std::string& picture : pictures) {
    paths_ += picture;
    path_ends_.push_back(int64_t(paths_.size()));
  }
  class_names_.push_back(folder.filename().string());
  class_ends_.push_back(size());
}

fs::path ImageFolder::path(int64_t index) const {
  const auto i = static_cast<size_t>(index);
  const auto begin = static_cast<size_t>(i == 0 ? 0 : path_ends_[i - 1]);
  return root_ / std::string_view(paths_).substr(begin, size_t(path_ends_[i]) - begin);
}

Example ImageFolder::example(int64_t index) const {
  const auto label = std::upper_bound(class_ends_.begin(), class_ends_.end(), index) - class_ends_.begin();
  return {path(index), label};
}

}  // namespace lv::data
