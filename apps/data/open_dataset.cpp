#include "apps/data/open_dataset.h"

#include <string>
#include <vector>

#include "apps/data/cifar.h"
#include "apps/data/image_folder.h"
#include "apps/data/mnist.h"
#include "core/error.h"

namespace lv::data {

namespace fs = std::filesystem;

namespace {

/// The file `name` or, where there is none, the compressed one.
fs::path plain_or_compressed(const fs::path& folder, const std::string& name) {
  return fs::exists(folder / name) ? folder / name : folder / (name + ".gz");
}

fs::path if_exists(fs::path path) { return fs::exists(path) ? std::move(path) : fs::path(); }

}  // namespace

std::unique_ptr<Dataset> open_dataset(const fs::path& folder, Split split) {
  LV_CHECK_AS(IoError, fs::exists(folder), "{}: there is no such folder", folder.string());
  LV_CHECK_AS(IoError, fs::is_directory(folder), "{}: this is a file, a folder is needed", folder.string());
  const bool is_training = split == Split::train;
  const std::string prefix = is_training ? "train" : "t10k";
  if (const fs::path images = plain_or_compressed(folder, prefix + "-images-idx3-ubyte"); fs::exists(images)) {
    return std::make_unique<Mnist>(images, plain_or_compressed(folder, prefix + "-labels-idx1-ubyte"));
  }
  if (fs::exists(folder / "data_batch_1.bin") || fs::exists(folder / "test_batch.bin")) {
    std::vector<fs::path> files{folder / "test_batch.bin"};
    if (is_training) {
      files.clear();
      for (int i = 1; i <= 5; ++i) {
        files.push_back(folder / fmt::format("data_batch_{}.bin", i));
      }
    }
    return std::make_unique<Cifar>(CifarKind::cifar10, files, if_exists(folder / "batches.meta.txt"));
  }
  if (const fs::path file = folder / (is_training ? "train.bin" : "test.bin"); fs::exists(file)) {
    return std::make_unique<Cifar>(CifarKind::cifar100, std::vector{file}, if_exists(folder / "fine_label_names.txt"));
  }
  const std::vector<std::string> names =
      is_training ? std::vector<std::string>{"train"} : std::vector<std::string>{"val", "test"};
  for (const std::string& name : names) {
    if (fs::is_directory(folder / name)) {
      return std::make_unique<ImageFolder>(folder / name);
    }
  }
  fail<IoError>(
      "{}: no {} data in it: neither a folder {} with class folders, nor files of MNIST, CIFAR-10 or CIFAR-100",
      folder.string(), is_training ? "training" : "validation", fmt::join(names, " or "));
}

}  // namespace lv::data
