#include <catch2/catch.hpp>
#include <set>

#include "apps/data/label_map.h"
#include "apps/data/pair_list.h"
#include "core/error.h"
#include "tests/fixture.h"

using namespace lv;
using namespace lv::data;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

fs::path sample(const std::string& name) { return test::fixture("bad_inputs/labels/" + name); }

constexpr LabelMapRules kRules{.height = 48, .width = 64, .num_classes = 8};

std::set<int> values_of(const std::string& name) {
  const Image map = read_label_map(sample(name), kRules);
  CHECK(map.height == 48);
  CHECK(map.width == 64);
  CHECK(map.channels == 1);
  return {map.pixels.begin(), map.pixels.end()};
}

}  // namespace

TEST_CASE("label map: grey values and palette indices are the classes") {
  const std::set<int> eight{0, 1, 2, 3, 4, 5, 6, 7};
  CHECK(values_of("ok_8classes.png") == eight);
  CHECK(values_of("palette_map.png") == eight);  // of 4 bits a pixel
  CHECK(read_label_map(sample("ok_8classes.png"), kRules) == read_label_map(sample("palette_map.png"), kRules));
  std::set<int> with_ignored = eight;
  with_ignored.insert(255);
  CHECK(values_of("ignore_255.png") == with_ignored);
  CHECK(values_of("all_ignore.png") == std::set<int>{255});
}

TEST_CASE("label map: what is no map of these classes is refused by name and reason") {
  const auto refuse = [](const std::string& name, const std::string& reason) {
    CHECK_THROWS_AS(read_label_map(sample(name), kRules), IoError);
    CHECK_THROWS_WITH(read_label_map(sample(name), kRules), Contains(sample(name).string()) && Contains(reason));
  };
  refuse("class_200_of_8.png", "class 200, there are 8");
  refuse("size_mismatch.png", "24 x 64 pixels, its picture 48 x 64");
  refuse("rgb_not_index.png", "colour type 2 and 8 bits");
  refuse("map_16bit.png", "colour type 0 and 16 bits");
  refuse("jpeg_as_label.jpg", "must be a PNG");
  refuse("list_empty.txt", "must be a PNG");
}

TEST_CASE("pair list: lines of two columns, with either line end") {
  const fs::path folder = sample("list_crlf.txt").parent_path();
  using Pairs = std::vector<std::pair<fs::path, fs::path>>;
  const Pairs both{{folder / "img/a.jpg", folder / "lab/a.png"}, {folder / "img/b.jpg", folder / "lab/b.png"}};
  CHECK(read_pair_list(sample("list_crlf.txt")) == both);
  CHECK(read_pair_list(sample("list_no_newline.txt")) == both);
  CHECK(read_pair_list(sample("list_blank_lines.txt")) == Pairs{both[0]});
}

TEST_CASE("pair list: a damaged list is refused by name, line and reason") {
  const auto refuse = [](const std::string& name, const std::string& reason) {
    CHECK_THROWS_AS(read_pair_list(sample(name)), IoError);
    CHECK_THROWS_WITH(read_pair_list(sample(name)), Contains(sample(name).string()) && Contains(reason));
  };
  refuse("list_one_column.txt", "line 1: a picture and its annotation are needed, got 1");
  refuse("list_empty.txt", "the list is empty");
  refuse("list_nul.txt", "line 1: a zero byte");
  CHECK_THROWS_WITH(read_pair_list("/no/such/list"), Contains("/no/such/list"));
}
