#include "apps/data/image_folder.h"

#include <catch2/catch.hpp>
#include <fstream>

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
