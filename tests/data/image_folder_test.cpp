#include "apps/data/image_folder.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <numeric>

#include "apps/data/decode.h"
#include "apps/data/loader.h"
#include "core/error.h"
#include "tests/core/scratch_folder.h"
#include "tests/fixture.h"

using namespace lv;
using Catch::Contains;
using data::ImageFolder;
namespace fs = std::filesystem;

namespace {

void touch(const fs::path& path) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << "x";
}

}  // namespace

TEST_CASE("image folder: classes and pictures are sorted by name, byte by byte") {
  const test::ScratchFolder root;
  for (const char* file : {"b/2.png", "b/10.PNG", "B/1.jpg", "a/x/deep.bmp", "a/x.JPEG", "a/Z.jpg"}) {
    touch(root / file);
  }
  const ImageFolder folder(root.path());
  CHECK(folder.class_names() == std::vector<std::string>{"B", "a", "b"});
  const std::vector<std::pair<std::string, int64_t>> wanted{{"B/1.jpg", 0},      {"a/Z.jpg", 1},  {"a/x.JPEG", 1},
                                                            {"a/x/deep.bmp", 1}, {"b/10.PNG", 2}, {"b/2.png", 2}};
  REQUIRE(folder.size() == int64_t(wanted.size()));
  for (int64_t i = 0; i < folder.size(); ++i) {
    const auto& [path, label] = wanted[size_t(i)];
    CHECK(std::get<fs::path>(folder.example(i).picture) == root / path);
    CHECK(folder.example(i).label == label);
    CHECK(folder.name(i) == (root / path).string());
  }
}

TEST_CASE("image folder: what is no picture or no class is passed over") {
  const fs::path root = test::fixture("bad_inputs/imagefolder_messy");
  CHECK_THROWS_WITH(ImageFolder(root), Contains((root / "empty_class").string()) && Contains("no picture"));
  const ImageFolder folder(root, ImageFolder::EmptyClasses::allowed);
  CHECK(folder.class_names() == std::vector<std::string>{"cat", "dog", "empty_class", "sp ace & üñï"});
  std::vector<std::string> names;
  for (int64_t i = 0; i < folder.size(); ++i) {
    names.push_back(fs::path(folder.name(i)).lexically_relative(root).string());
  }
  // Broken pictures are listed: that they are broken shows when they are read.
  CHECK(names == std::vector<std::string>{"cat/0.jpg", "cat/1.jpg", "cat/2.jpg", "dog/0.jpg", "dog/1.jpg", "dog/2.jpg",
                                          "dog/broken.jpg", "dog/deep/er/0.jpg", "dog/empty.png",
                                          "dog/" + std::string(200, 'n') + ".jpg", "sp ace & üñï/0 1.jpg"});
  CHECK(folder.example(8).label == 1);
  CHECK(folder.example(10).label == 3);
}

TEST_CASE("image folder: a wrong path, an empty folder and a class without pictures are refused by name") {
  const test::ScratchFolder root;
  const auto refuse = [](const fs::path& path, const std::string& reason) {
    CHECK_THROWS_AS(ImageFolder(path), IoError);
    CHECK_THROWS_WITH(ImageFolder(path), Contains(path.string()) && Contains(reason));
  };
  refuse(root / "nowhere", "no such folder");
  refuse(root.path(), "no class folders");
  touch(root / "file.jpg");
  refuse(root / "file.jpg", "this is a file");
  refuse(root.path(), "no class folders");
  fs::create_directory(root / "lonely");
  refuse(root.path(), "lonely");
  CHECK_THROWS_WITH(ImageFolder(root.path(), ImageFolder::EmptyClasses::allowed), Contains("no pictures"));
}

namespace {

/// The mean of each picture.
class MeanValues final : public data::SampleSource {
 public:
  explicit MeanValues(const data::Dataset& pictures) : pictures_(pictures) {}
  [[nodiscard]] int64_t size() const override { return pictures_.size(); }
  [[nodiscard]] TensorList sample(int64_t index, PhiloxKey) const override {
    const data::Image image = data::read_image(std::get<fs::path>(pictures_.example(index).picture));
    const double sum = std::accumulate(image.pixels.begin(), image.pixels.end(), 0.0);
    return {Tensor::scalar(sum / double(image.pixels.size()))};
  }
  [[nodiscard]] std::string name(int64_t index) const override { return pictures_.name(index); }

 private:
  const data::Dataset& pictures_;
};

}  // namespace

TEST_CASE("image folder: a loader reads the good pictures and lists the broken ones by name") {
  const fs::path root = test::fixture("bad_inputs/imagefolder_messy");
  const ImageFolder folder(root, ImageFolder::EmptyClasses::allowed);
  const MeanValues means(folder);
  data::Loader loader(means, {.batch_size = 4, .is_shuffled = false, .max_bad_share = 0.2}, {}, 1);
  std::vector<int64_t> read;
  while (const auto batch = loader.next()) {
    read.insert(read.end(), batch->indices.begin(), batch->indices.end());
  }
  CHECK(read == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 7, 9, 10});
  REQUIRE(loader.bad_samples().size() == 2);
  CHECK_THAT(loader.bad_samples()[0].reason, Contains((root / "dog/broken.jpg").string()));
  CHECK_THAT(loader.bad_samples()[1].reason, Contains((root / "dog/empty.png").string()));

  data::Loader strict(means, {.batch_size = 4, .is_shuffled = false, .max_bad_share = 0.1}, {}, 1);
  CHECK_THROWS_WITH(
      [&] {
        while (strict.next()) {}
      }(),
      Contains("2 of 11") && Contains("empty.png"));
}
