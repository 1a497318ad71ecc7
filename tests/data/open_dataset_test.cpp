#include "apps/data/open_dataset.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "apps/data/cifar.h"
#include "apps/data/image_folder.h"
#include "apps/data/mnist.h"
#include "core/error.h"
#include "tests/core/scratch_folder.h"
#include "tests/fixture.h"

using namespace lv;
using namespace lv::data;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

fs::path sample(const std::string& name) { return test::fixture("bad_inputs/binary_sets/" + name); }

}  // namespace

TEST_CASE("open_dataset knows a data set by its files") {
  const test::ScratchFolder root;
  const auto put = [&](const std::string& from, const fs::path& to) {
    fs::create_directories((root / to.string()).parent_path());
    fs::copy_file(sample(from), root / to.string());
  };
  put("ok-images-idx3-ubyte.gz", "mnist/train-images-idx3-ubyte.gz");
  put("ok-labels-idx1-ubyte", "mnist/train-labels-idx1-ubyte");
  put("ok-images-idx3-ubyte", "mnist/t10k-images-idx3-ubyte");
  put("ok-labels-idx1-ubyte", "mnist/t10k-labels-idx1-ubyte");
  for (const Split split : {Split::train, Split::held_out}) {
    CHECK(dynamic_cast<Mnist*>(open_dataset(root / "mnist", split).get()) != nullptr);
  }

  for (int i = 1; i <= 5; ++i) {
    put("cifar10_ok.bin", fmt::format("cifar/data_batch_{}.bin", i));
  }
  put("cifar10_ok.bin", "cifar/test_batch.bin");
  CHECK(open_dataset(root / "cifar", Split::train)->size() == 20);
  CHECK(open_dataset(root / "cifar", Split::held_out)->size() == 4);
  fs::remove(root / "cifar/data_batch_3.bin");
  CHECK_THROWS_WITH(open_dataset(root / "cifar", Split::train), Contains("data_batch_3.bin"));

  fs::create_directories(root / "cifar100");
  std::ofstream(root / "cifar100/train.bin") << std::string(3074 * 3, '\7');
  const auto hundred = open_dataset(root / "cifar100", Split::train);
  CHECK(hundred->size() == 3);
  CHECK(hundred->class_names().size() == 100);

  fs::create_directories(root / "folders/train/cat");
  fs::create_directories(root / "folders/test/cat");
  std::ofstream(root / "folders/train/cat/a.jpg") << "x";
  std::ofstream(root / "folders/test/cat/b.jpg") << "x";
  CHECK(open_dataset(root / "folders", Split::train)->name(0) == (root / "folders/train/cat/a.jpg").string());
  CHECK(open_dataset(root / "folders", Split::held_out)->name(0) == (root / "folders/test/cat/b.jpg").string());
  fs::create_directories(root / "folders/val/cat");
  std::ofstream(root / "folders/val/cat/c.jpg") << "x";
  CHECK(open_dataset(root / "folders", Split::held_out)->name(0) == (root / "folders/val/cat/c.jpg").string());
}

TEST_CASE("open_dataset refuses a folder without data by name") {
  const test::ScratchFolder root;
  CHECK_THROWS_AS(open_dataset(root.path(), Split::train), IoError);
  CHECK_THROWS_WITH(open_dataset(root.path(), Split::train), Contains(root.path().string()) && Contains("training"));
  CHECK_THROWS_WITH(open_dataset(root.path(), Split::held_out), Contains("val or test"));
  CHECK_THROWS_WITH(open_dataset(root / "nowhere", Split::train), Contains("nowhere") && Contains("no such folder"));
  CHECK_THROWS_WITH(open_dataset(sample("cifar10_ok.bin"), Split::train), Contains("this is a file"));
}
