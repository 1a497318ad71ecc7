#include <zlib.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "apps/data/cifar.h"
#include "apps/data/digit_bank.h"
#include "apps/data/idx.h"
#include "apps/data/mnist.h"
#include "core/error.h"
#include "core/file.h"
#include "tests/core/scratch_folder.h"
#include "tests/fixture.h"

using namespace lv;
using namespace lv::data;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

fs::path sample(const std::string& name) { return test::fixture("bad_inputs/binary_sets/" + name); }

void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

Image pixels_of(const Dataset& set, int64_t index) { return std::get<Image>(set.example(index).picture); }

std::string big_endian(uint32_t value) { return {char(value >> 24), char(value >> 16), char(value >> 8), char(value)}; }

IdxArray parse(const std::string& bytes, int rank) { return parse_idx(std::as_bytes(std::span(bytes)), rank, "bytes"); }

}  // namespace

TEST_CASE("mnist: pictures and labels are read, plain and compressed") {
  const Mnist plain(sample("ok-images-idx3-ubyte"), sample("ok-labels-idx1-ubyte"));
  const Mnist compressed(sample("ok-images-idx3-ubyte.gz"), sample("ok-labels-idx1-ubyte"));
  REQUIRE(plain.size() == 5);
  CHECK(plain.class_names().size() == 10);
  CHECK(plain.name(3) == sample("ok-images-idx3-ubyte").string() + ", number 3");
  const std::string images = test::read_file(sample("ok-images-idx3-ubyte"));
  const std::string labels = test::read_file(sample("ok-labels-idx1-ubyte"));
  for (int64_t i = 0; i < 5; ++i) {
    const Image image = pixels_of(plain, i);
    CHECK(image.height == 28);
    CHECK(image.width == 28);
    CHECK(image.channels == 1);
    CHECK(std::string(image.pixels.begin(), image.pixels.end()) == images.substr(size_t(16 + i * 784), 784));
    CHECK(plain.example(i).label == labels[size_t(8 + i)]);
    CHECK(image == pixels_of(compressed, i));
  }
}

TEST_CASE("mnist: damaged files are refused by name and reason") {
  const auto refuse = [](const std::string& images, const std::string& labels, const std::string& reason) {
    INFO(images << " " << labels);
    const std::string culprit = labels == "ok-labels-idx1-ubyte" ? images : labels;
    CHECK_THROWS_AS(Mnist(sample(images), sample(labels)), IoError);
    CHECK_THROWS_WITH(Mnist(sample(images), sample(labels)), Contains(sample(culprit).string()) && Contains(reason));
  };
  refuse("truncated-images-idx3-ubyte", "ok-labels-idx1-ubyte", "announces more elements");
  refuse("truncated-images-idx3-ubyte.gz", "ok-labels-idx1-ubyte", "cut off");
  refuse("bad_magic-images-idx3-ubyte", "ok-labels-idx1-ubyte", "begins with 00 00 08 03");
  refuse("little_endian-images-idx3-ubyte", "ok-labels-idx1-ubyte", "begins with 00 00 08 03");
  refuse("huge_count-images-idx3-ubyte", "ok-labels-idx1-ubyte", "announces more elements");
  refuse("zero_count-images-idx3-ubyte", "ok-labels-idx1-ubyte", "no elements");
  refuse("ok-images-idx3-ubyte", "label_out_of_range-labels-idx1-ubyte", "label 200");
  refuse("ok-images-idx3-ubyte", "count_mismatch-labels-idx1-ubyte", "4 labels for the 5 pictures");
  refuse("ok-images-idx3-ubyte", "ok-images-idx3-ubyte", "begins with 00 00 08 01");
  CHECK_THROWS_WITH(Mnist("/no/such/file", sample("ok-labels-idx1-ubyte")), Contains("/no/such/file"));
}

TEST_CASE("idx: content must be exactly as long as announced, compressed or not") {
  const std::string header{"\0\0\x08\x02", 4};
  const std::string good = header + big_endian(2) + big_endian(3) + "abcdef";
  CHECK(parse(good, 2).shape == std::vector<int64_t>{2, 3});
  CHECK(parse(good, 2).bytes == std::vector<uint8_t>{'a', 'b', 'c', 'd', 'e', 'f'});
  CHECK_THROWS_WITH(parse(good + "g", 2), Contains("more than the 6 bytes"));
  CHECK_THROWS_WITH(parse(good.substr(0, 7), 2), Contains("too short"));
  CHECK_THROWS_WITH(parse("", 2), Contains("too short"));
  // Sizes whose product does not fit into 64 bits.
  CHECK_THROWS_WITH(parse(header + big_endian(0xFFFFFFFF) + big_endian(0xFFFFFFFF) + "abc", 2),
                    Contains("more elements"));

  const test::ScratchFolder folder;
  const auto compressed = [&](const std::string& bytes) {
    const std::string path = (folder / "file.gz").string();
    gzFile file = gzopen(path.c_str(), "wb");
    REQUIRE(gzwrite(file, bytes.data(), unsigned(bytes.size())) == int(bytes.size()));
    REQUIRE(gzclose(file) == Z_OK);
    return test::read_file(path);
  };
  CHECK(parse(compressed(good), 2).bytes == parse(good, 2).bytes);
  CHECK_THROWS_WITH(parse(compressed(good.substr(0, 15)), 2), Contains("announces 6 bytes, there are 3"));
  CHECK_THROWS_WITH(parse(compressed(good + "g"), 2), Contains("more than the 6 bytes"));
  // A gigabyte announced by a file that cannot hold it takes no memory.
  CHECK_THROWS_WITH(parse(compressed(header + big_endian(1 << 15) + big_endian(1 << 15)), 2),
                    Contains("more elements"));
  std::string damaged = compressed(good);
  damaged[damaged.size() - 6] = char(damaged[damaged.size() - 6] + 1);  // the checksum
  CHECK_THROWS_WITH(parse(damaged, 2), Contains("damaged"));
}

TEST_CASE("digit bank: both splits hold every digit equally often, and no picture in common") {
  const DigitBank& train = DigitBank::of(Split::train);
  const DigitBank& held_out = DigitBank::of(Split::held_out);
  CHECK(train.size() == 12000);
  CHECK(held_out.size() == 3000);
  for (int digit = 0; digit < 10; ++digit) {
    CHECK(train.count(digit) == 1200);
    CHECK(held_out.count(digit) == 300);
  }
  std::vector<std::vector<uint8_t>> pictures;
  for (const DigitBank* bank : {&train, &held_out}) {
    for (int64_t i = 0; i < bank->size(); ++i) {
      const auto pixels = bank->pixels(i);
      pictures.emplace_back(pixels.begin(), pixels.end());
    }
  }
  std::sort(pictures.begin(), pictures.end());
  CHECK(std::adjacent_find(pictures.begin(), pictures.end()) == pictures.end());
}

namespace {

/// Records of CIFAR with these labels; bytes of record k are (7 k + position) mod 251.
std::string cifar_records(const std::vector<std::string>& labels) {
  std::string bytes;
  for (size_t k = 0; k < labels.size(); ++k) {
    bytes += labels[k];
    for (size_t i = 0; i < 3072; ++i) {
      bytes += char((7 * k + i) % 251);
    }
  }
  return bytes;
}

void check_cifar_pixels(const Dataset& set, int64_t index, int64_t number_in_file) {
  const Image image = pixels_of(set, index);
  REQUIRE(image.height == 32);
  REQUIRE(image.width == 32);
  REQUIRE(image.channels == 3);
  int64_t wrong = 0;
  for (int64_t y = 0; y < 32; ++y) {
    for (int64_t x = 0; x < 32; ++x) {
      for (int64_t c = 0; c < 3; ++c) {
        wrong += int64_t(image.row(y)[3 * x + c] != (7 * number_in_file + c * 1024 + y * 32 + x) % 251);
      }
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("cifar: records of several files, planes to pixels, the label that counts") {
  const test::ScratchFolder folder;
  write(folder / "a.bin", cifar_records({"\x03", "\x09"}));
  write(folder / "b.bin", cifar_records({std::string(1, '\0')}));
  write(folder / "names.txt", "plane\r\ncar\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
  const Cifar ten(CifarKind::cifar10, {folder / "a.bin", folder / "b.bin"}, folder / "names.txt");
  REQUIRE(ten.size() == 3);
  CHECK(ten.class_names()[0] == "plane");
  CHECK(ten.class_names()[9] == "truck");
  CHECK(ten.example(0).label == 3);
  CHECK(ten.example(1).label == 9);
  CHECK(ten.example(2).label == 0);
  check_cifar_pixels(ten, 1, 1);
  check_cifar_pixels(ten, 2, 0);
  CHECK(ten.name(2) == (folder / "b.bin").string() + ", record 0");

  write(folder / "hundred.bin", cifar_records({"\x05\x63", "\x01\x02"}));
  const Cifar hundred(CifarKind::cifar100, {folder / "hundred.bin"});
  REQUIRE(hundred.size() == 2);
  CHECK(hundred.class_names()[99] == "99");
  CHECK(hundred.example(0).label == 99);
  CHECK(hundred.example(1).label == 2);
  check_cifar_pixels(hundred, 1, 1);
}

TEST_CASE("cifar: damaged files are refused by name and reason") {
  CHECK(Cifar(CifarKind::cifar10, {sample("cifar10_ok.bin")}).size() == 4);
  const auto refuse = [](const std::string& name, const std::string& reason) {
    CHECK_THROWS_AS(Cifar(CifarKind::cifar10, {sample(name)}), IoError);
    CHECK_THROWS_WITH(Cifar(CifarKind::cifar10, {sample(name)}), Contains(sample(name).string()) && Contains(reason));
  };
  refuse("cifar10_truncated.bin", "12192 bytes are no whole number of records of 3073");
  refuse("cifar10_label_200.bin", "label 200");
  refuse("cifar10_empty.bin", "empty");
  CHECK_THROWS_WITH(Cifar(CifarKind::cifar100, {sample("cifar10_ok.bin")}), Contains("3074"));
  const test::ScratchFolder folder;
  write(folder / "names.txt", "one\ntwo\n");
  CHECK_THROWS_WITH(Cifar(CifarKind::cifar10, {sample("cifar10_ok.bin")}, folder / "names.txt"),
                    Contains("names.txt") && Contains("10 names") && Contains("2"));
}
