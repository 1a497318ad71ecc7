// Against tests/fixtures/bad_inputs/pictures.tsv, which tools/write_image_fixtures.py computes with Pillow.
#include "apps/data/decode.h"

#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "apps/data/encode.h"
#include "apps/data/image_geometry.h"
#include "apps/data/transforms.h"
#include "core/error.h"
#include "core/file.h"
#include "tests/core/scratch_folder.h"
#include "tests/fixture.h"

using namespace lv;
using namespace lv::data;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

struct Row {
  std::string file;
  std::string expect;
  std::string height;
  std::string width;
  std::string checksum;
};

std::vector<Row> table() {
  std::vector<Row> rows;
  std::ifstream in(test::fixture("bad_inputs/pictures.tsv"));
  for (std::string line; std::getline(in, line);) {
    std::istringstream text(line);
    Row row;
    text >> row.file >> row.expect >> row.height >> row.width >> row.checksum;
    rows.push_back(row);
  }
  return rows;
}

std::string checksum(const Image& image) {
  return std::to_string(crc32(0, image.pixels.data(), uInt(image.pixels.size())));
}

std::vector<fs::path> photographs() {
  std::vector<fs::path> paths;
  for (const char* name : {"420.jpg", "444.jpg", "progressive.jpg", "grey.jpg", "turned.jpg", "cmyk.jpg"}) {
    paths.push_back(test::fixture("images") / name);
  }
  return paths;
}

std::string failure(std::span<const std::byte> bytes, const ImageLimits& limits = {}) {
  try {
    (void)EncodedImage(bytes, "x.png", limits).decode();
  } catch (const IoError& error) {
    return error.what();
  }
  return "";
}

std::string bytes_of(const fs::path& path) {
  const MappedFile file(path);
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

std::span<const std::byte> as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace

TEST_CASE("image reader: every odd file is read as by Pillow or refused with its path and a reason") {
  // What Pillow makes of these is another matter: it clips 16-bit grey, and goes on where data or checksums are wrong.
  const std::vector<std::string> different = {"png_ok/gray16.png"};
  int read = 0;
  int refused = 0;
  for (const Row& row : table()) {
    CAPTURE(row.file, row.expect);
    const fs::path path = fs::path(test::fixture("bad_inputs")) / row.file;
    try {
      const Image image = read_image(path);
      CHECK(row.expect != "error");
      CHECK(image.channels == 3);
      if (row.checksum != "-" && std::find(different.begin(), different.end(), row.file) == different.end()) {
        CHECK(std::to_string(image.height) == row.height);
        CHECK(std::to_string(image.width) == row.width);
        CHECK(checksum(image) == row.checksum);
      }
      ++read;
    } catch (const IoError& error) {
      CHECK(row.expect != "ok");
      const std::string_view text = error.what();
      CHECK(text.starts_with(path.string() + ": "));
      CHECK(text.size() > path.string().size() + 8);
      ++refused;
    }
  }
  CHECK(read >= 70);
  CHECK(refused >= 60);
}

TEST_CASE("image reader: 16-bit grey keeps its upper byte") {
  // The upper bytes are the first ones of the samples; the file's rows are stored without a filter in rgb16 alone, so
  // the comparison is with the eight-bit file of the same picture.
  const Image deep = read_image(test::fixture("bad_inputs/png_ok/gray16.png"));
  const Image grey = read_image(test::fixture("bad_inputs/png_ok/gray8.png"));
  REQUIRE(deep.bounds() == grey.bounds());
  int64_t largest = 0;
  for (size_t i = 0; i < deep.pixels.size(); ++i) {
    largest = std::max<int64_t>(largest, std::abs(int(deep.pixels[i]) - int(grey.pixels[i])));
  }
  CHECK(largest <= 1);
}

TEST_CASE("image reader: a part has the pixels of the whole") {
  for (const fs::path& path : photographs()) {
    CAPTURE(path);
    const MappedFile file(path);
    const EncodedImage encoded(file.bytes(), path.string());
    const Image whole = encoded.decode();
    REQUIRE(whole.bounds() == encoded.bounds());
    Draws draws({.seed = 1});
    for (int i = 0; i < 60; ++i) {
      const int64_t height = draws.between(1, whole.height);
      const int64_t width = draws.between(1, whole.width);
      const Rect part{draws.below(whole.height - height + 1), draws.below(whole.width - width + 1), height, width};
      CAPTURE(part.top, part.left, part.height, part.width);
      CHECK(encoded.decode(part) == crop(whole, part));
      const auto interpolation = i % 2 == 0 ? Interpolation::bilinear : Interpolation::bicubic;
      CHECK(encoded.decode_resized({part, 40, 31, interpolation, 0}) ==
            resize(crop(whole, part), 40, 31, interpolation));
    }
  }
}

TEST_CASE("image reader: a picture decoded at a reduced size stays close to the exact one") {
  for (const fs::path& path : photographs()) {
    CAPTURE(path);
    const MappedFile file(path);
    const EncodedImage encoded(file.bytes(), path.string());
    for (const int64_t size : {60, 30, 16}) {
      const Rect part{7, 3, 2 * size + 11, 2 * size + 5};
      const Image exact = encoded.decode_resized({part, size, size, Interpolation::bilinear, 0});
      const Image reduced = encoded.decode_resized({part, size, size, Interpolation::bilinear, 1});
      double error = 0;
      for (size_t i = 0; i < exact.pixels.size(); ++i) {
        error += std::abs(double(exact.pixels[i]) - double(reduced.pixels[i]));
      }
      CHECK(error / double(exact.pixels.size()) < 5);
      CHECK((encoded.width() != 203 || exact != reduced));  // turned pictures are always decoded whole
    }
  }
}

TEST_CASE("image reader: a pipeline gives the same sample from a file as from its pixels") {
  const fs::path path = test::fixture("images/420.jpg");
  const Image whole = read_image(path);
  const Pipeline train{.steps = {RandomResizedCrop{.size = 32}, RandomHorizontalFlip{},
                                 ColorJitter{.brightness = 0.4, .contrast = 0.4, .saturation = 0.4, .hue = 0.1}},
                       .lighting = PcaLighting{},
                       .erasing = RandomErasing{}};
  const Pipeline evaluate{.steps = {Resize{.size = 40}, CenterCrop{.size = 32}}};
  const Pipeline neither{.steps = {RandomCrop{.size = 50}}};
  for (const Pipeline* pipeline : {&train, &evaluate, &neither}) {
    for (uint64_t i = 0; i < 10; ++i) {
      const PhiloxKey key{.seed = 3, .offset = i};
      CHECK(run(*pipeline, path, key).to_vector<float>() == run(*pipeline, whole, key).to_vector<float>());
    }
  }
}

TEST_CASE("image reader: pictures beyond the limit are refused by their header") {
  const std::string bomb = bytes_of(test::fixture("bad_inputs/png_bad/bomb_30000x30000_1bit.png"));
  CHECK_THAT(failure(as_bytes(bomb)), Contains("30000 x 30000") && Contains("limit of 89478485"));
  const std::string small = bytes_of(test::fixture("bad_inputs/png_ok/rgb8.png"));
  CHECK(failure(as_bytes(small), {.max_pixels = 64 * 48}).empty());
  CHECK_THAT(failure(as_bytes(small), {.max_pixels = 64 * 48 - 1}), Contains("64 x 48"));
}

namespace {

/// Bytes of address space that a process has had at most.
int64_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  const std::string_view key = "VmPeak:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) {
      return std::stoll(line.substr(key.size())) * 1024;
    }
  }
  return 0;
}

/// By how much the peak grows while pictures are read, or refused, in a process of their own.
int64_t growth_while_reading(const std::vector<std::string>& names) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const int64_t before = peak_bytes();
    for (const std::string& name : names) {
      try {
        (void)read_image(test::fixture("bad_inputs") / name);
      } catch (const IoError&) {
        continue;  // as other tests demand
      }
    }
    const int64_t growth = peak_bytes() - before;
    ::_exit(::write(ends[1], &growth, sizeof growth) == sizeof growth ? 0 : 1);
  }
  ::close(ends[1]);
  int64_t growth = -1;
  const ssize_t count = ::read(ends[0], &growth, sizeof growth);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  REQUIRE(count == sizeof growth);
  return growth;
}

}  // namespace

TEST_CASE("image reader: decompression bombs take no memory") {
  // The picture of 4000 x 1 pixels shows what reading takes at all.
  CHECK(growth_while_reading({"png_ok/4000x1.png"}) < 8'000'000);
  CHECK(growth_while_reading({"png_bad/bomb_30000x30000_1bit.png", "png_bad/bomb_ztxt.png", "png_bad/bomb_iccp.png",
                              "png_bad/huge_dims.png", "png_bad/huge_dims_32bit_wrap.png",
                              "png_bad/huge_dims_wrap_to_small.png", "png_bad/dims_over_png_limit.png",
                              "jpeg_bad/huge_dims_65535.jpg", "jpeg_bad/progressive_scan_bomb.jpg"}) < 8'000'000);
}

TEST_CASE("image reader: a header that promises more than the file can hold is refused before decoding") {
  std::string png = bytes_of(test::fixture("bad_inputs/png_ok/rgb8.png"));
  png[18] = 0x13;  // width 0x1340, height 0x1330: 72 MB from 7 kB
  png[22] = 0x13;
  CHECK_THAT(failure(as_bytes(png)), Contains("cannot hold 4928 x 4912"));
  std::string bmp = bytes_of(test::fixture("bad_inputs/wrong_extension/bmp_named.png"));
  bmp.resize(bmp.size() - 1);
  CHECK_THAT(failure(as_bytes(bmp)), Contains("BMP of 64 x 48"));
  bmp[28] = 0;
  CHECK_THAT(failure(as_bytes(bmp)), Contains("BMP of 0 bits"));
}

TEST_CASE("image reader: formats that are not read are named") {
  CHECK_THAT(failure(as_bytes("RIFF....WEBPVP8 ")), Contains("WebP"));
  CHECK_THAT(failure(as_bytes("GIF89a")), Contains("GIF"));
  CHECK_THAT(failure(as_bytes("version https://git-lfs.github.com/spec/v1")), Contains("Git LFS"));
  CHECK_THAT(failure(as_bytes("")), Contains("x.png: is empty"));
  CHECK_THROWS_WITH(read_image("/no/such.png"), Contains("/no/such.png"));
}

TEST_CASE("png: what is written is read back") {
  const test::ScratchFolder folder;
  const Image picture = read_image(test::fixture("bad_inputs/png_ok/rgb8.png"));
  write_png(folder / "a.png", picture);
  CHECK(read_image(folder / "a.png") == picture);
  Image grey(5, 7, 1);
  grey.row(2)[3] = 77;
  const std::string encoded = encode_png(grey);
  const Image again = EncodedImage(as_bytes(encoded), "grey").decode();
  CHECK(again.row(2)[3 * 3] == 77);
  CHECK(again.row(2)[3 * 3 + 2] == 77);
  CHECK_THROWS_WITH(write_png("/no/such/folder/a.png", picture), Contains("/no/such/folder/a.png"));
  CHECK_THROWS_AS(encode_png(Image()), Error);
}
