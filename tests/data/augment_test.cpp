// Against tests/fixtures/images/augment.safetensors, which tools/write_image_fixtures.py computes with Pillow and
// torchvision.
#include "apps/data/augment.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "apps/data/augment_rand.h"
#include "apps/data/image_color.h"
#include "apps/data/image_filter.h"
#include "apps/data/image_geometry.h"
#include "apps/data/transforms.h"
#include "core/error.h"
#include "core/safetensors.h"
#include "tests/data/moments.h"
#include "tests/fixture.h"

using namespace lv;
using namespace lv::data;
using Catch::Contains;

namespace {

const SafetensorsFile& reference() {
  static const SafetensorsFile file = load_safetensors(test::fixture("images/augment.safetensors"));
  return file;
}

Image image_of(const Tensor& tensor) {
  Image image(tensor.shape()[0], tensor.shape()[1], int(tensor.shape()[2]));
  std::memcpy(image.pixels.data(), tensor.raw_data(), image.pixels.size());
  return image;
}

Image reference_image(std::string_view name) { return image_of(reference().at(name)); }

double number(std::istringstream& text) {
  double value = NAN;
  text >> value;
  return value;
}

using Operation = Image (*)(const Image&, std::istringstream&);

template <Interpolation interpolation>
Image resize_by(const Image& image, std::istringstream& text) {
  const auto height = int64_t(number(text));
  return resize(image, height, int64_t(number(text)), interpolation);
}

template <Image (*function)(const Image&, double)>
Image by_number(const Image& image, std::istringstream& text) {
  return function(image, number(text));
}

template <class Step>
Image by_size(const Image& image, std::istringstream& text) {
  Draws draws({});
  return apply(Step{.size = int64_t(number(text))}, image, draws);
}

Image rand_operation(const Image& image, std::istringstream& text) {
  const auto operation = RandOperation(int(number(text)));
  const int magnitude = int(number(text));
  return apply(operation, image, magnitude, 31, number(text) != 0);
}

const std::map<std::string, Operation> kOperations = {
    {"bilinear", resize_by<Interpolation::bilinear>},
    {"bicubic", resize_by<Interpolation::bicubic>},
    {"grayscale", [](const Image& image, std::istringstream&) { return to_grayscale(image); }},
    {"autocontrast", [](const Image& image, std::istringstream&) { return autocontrast(image); }},
    {"equalize", [](const Image& image, std::istringstream&) { return equalize(image); }},
    {"brightness", by_number<adjust_brightness>},
    {"contrast", by_number<adjust_contrast>},
    {"saturation", by_number<adjust_saturation>},
    {"sharpness", by_number<adjust_sharpness>},
    {"hue", by_number<adjust_hue>},
    {"solarize", by_number<solarize>},
    {"posterize", [](const Image& image, std::istringstream& text) { return posterize(image, int(number(text))); }},
    {"blur", by_number<gaussian_blur>},
    {"rotate", [](const Image& image,
                  std::istringstream& text) { return transform_nearest(image, rotation_map(image, number(text))); }},
    {"center_crop", by_size<CenterCrop>},
    {"resize_shorter", by_size<Resize>},
    {"rand", rand_operation},
};

}  // namespace

TEST_CASE("augmentation: every operation has the bits of Pillow and torchvision") {
  const Image picture = reference_image("picture");
  const Image grey = reference_image("grey_picture");
  std::set<std::string> seen;
  for (const auto& [name, tensor] : reference().tensors) {
    std::istringstream text(name);
    std::string word;
    text >> word;
    const bool is_grey = word == "grey";
    if (is_grey) {
      text >> word;
    }
    if (const auto operation = kOperations.find(word); operation != kOperations.end()) {
      CAPTURE(name);
      const Image result = operation->second(is_grey ? grey : picture, text);
      const Image wanted = image_of(tensor);
      CHECK(result.bounds() == wanted.bounds());
      CHECK(result.pixels == wanted.pixels);
      seen.insert(word);
    }
  }
  CHECK(seen.size() == kOperations.size());
}

TEST_CASE("augmentation: hue has Pillow's bits for every seventh colour") {
  constexpr int64_t kSide = 1500;
  Image colours(kSide, kSide, 3);
  for (size_t i = 0; i < size_t(kSide * kSide); ++i) {
    const size_t rgb = 7 * i;
    colours.pixels[3 * i] = uint8_t(rgb >> 16);
    colours.pixels[3 * i + 1] = uint8_t(rgb >> 8);
    colours.pixels[3 * i + 2] = uint8_t(rgb);
  }
  const Image turned = adjust_hue(colours, 0.2);
  CHECK(std::to_string(crc32(0, turned.pixels.data(), uInt(turned.pixels.size()))) ==
        reference().metadata.at("hue_crc32"));
}

TEST_CASE("augmentation: normalised values have torchvision's bits") {
  const Tensor result = run({.steps = {}}, reference_image("picture"), {});
  CHECK(result.to_vector<float>() == reference().at("normalized").to_vector<float>());
}

TEST_CASE("random resized crop: parts are distributed as torchvision's") {
  constexpr int kSamples = 40'000;
  struct Case {
    const char* name;
    int64_t height;
    int64_t width;
    Range scale;
  };
  for (const Case& c : {Case{"crops 300 400", 300, 400, {0.08, 1}}, Case{"crops 100 700", 100, 700, {0.5, 1}}}) {
    const RandomResizedCrop crop{.size = 224, .scale = c.scale};
    test::Moments moments;
    for (int i = 0; i < kSamples; ++i) {
      Draws draws({.seed = 5, .offset = uint64_t(i)});
      const Rect part = sample_part(crop, c.height, c.width, draws);
      REQUIRE(
          (part.top >= 0 && part.left >= 0 && part.top + part.height <= c.height && part.left + part.width <= c.width));
      moments.add(part);
    }
    CAPTURE(c.name);
    moments.check_like(reference().at(c.name).to_vector<double>());
  }
}

namespace {

const SafetensorsFile& torchvision_draws() {
  static const SafetensorsFile file = load_safetensors(test::fixture("images/draws.safetensors"));
  return file;
}

}  // namespace

TEST_CASE("random erasing: rectangles are distributed as torchvision's") {
  constexpr int kSamples = 10'000;
  const Image black(40, 50, 3);
  const Pipeline pipeline{.steps = {}, .erasing = RandomErasing{.probability = 1, .value = 1e9F}};
  test::Moments moments;
  for (int i = 0; i < kSamples; ++i) {
    const Tensor erased = run(pipeline, black, {.seed = 9, .offset = uint64_t(i)});
    const Rect part = test::box_of(erased, 1e9F);
    moments.add(part);
    if (i % 100 == 0) {
      const std::vector<float> values = erased.to_vector<float>();
      CHECK(std::count(values.begin(), values.end(), 1e9F) == 3 * part.height * part.width);
    }
  }
  moments.check_like(torchvision_draws().at("erasing 40 50").to_vector<double>());
}

TEST_CASE("lighting: what it adds to the colours has the covariance of the published components") {
  constexpr int kSamples = 50'000;
  const Pipeline pipeline{
      .steps = {}, .normalize = {.mean = {0, 0, 0}, .deviation = {1, 1, 1}}, .lighting = PcaLighting{.deviation = 0.1}};
  const Image pixel(1, 1, 3);
  std::array<double, 9> products{};
  for (int i = 0; i < kSamples; ++i) {
    const std::vector<float> added = run(pipeline, pixel, {.seed = 10, .offset = uint64_t(i)}).to_vector<float>();
    for (size_t k = 0; k < 9; ++k) {
      products[k] += double(added[k / 3]) * double(added[k % 3]) / kSamples;
    }
  }
  const std::vector<double> wanted = torchvision_draws().at("lighting").to_vector<double>();
  for (size_t k = 0; k < 9; ++k) {
    CAPTURE(k);
    // A product of normal numbers deviates by at most the square root of 2 times the product of their deviations.
    const double scale = std::sqrt(wanted[k / 3 * 4] * wanted[k % 3 * 4]);
    CHECK(std::abs(products[k] - wanted[k]) <= 5 * std::sqrt(2.0 / kSamples) * scale);
  }
}

TEST_CASE("random steps: the share of pictures they change is their probability") {
  constexpr int kSamples = 2000;
  const Image picture = reference_image("picture");
  const std::vector<std::pair<Transform, double>> steps = {
      {RandomHorizontalFlip{.probability = 0.3}, 0.3},
      {RandomGrayscale{.probability = 0.2}, 0.2},
      {RandomGaussianBlur{.probability = 0.5}, 0.5},
      {RandomSolarize{.probability = 0.1}, 0.1},
      {ColorJitter{.brightness = 0.4, .contrast = 0.4, .saturation = 0.4, .hue = 0.1, .probability = 0.8}, 0.8}};
  for (const auto& [step, probability] : steps) {
    int changed = 0;
    for (int i = 0; i < kSamples; ++i) {
      Draws draws({.seed = 6, .offset = uint64_t(i)});
      changed += std::visit([&](const auto& s) { return apply(s, picture, draws); }, step) == picture ? 0 : 1;
    }
    CAPTURE(step.index());
    CHECK(std::abs(changed - probability * kSamples) <= 5 * std::sqrt(kSamples * probability * (1 - probability)));
  }
}

TEST_CASE("random crop: every position comes equally often, black comes in from outside") {
  constexpr int kSamples = 9000;
  Image dot(3, 3, 1);
  dot.row(1)[1] = 200;
  std::map<std::pair<int, int>, int> counts;
  for (int i = 0; i < kSamples; ++i) {
    Draws draws({.seed = 7, .offset = uint64_t(i)});
    const Image result = apply(RandomCrop{.size = 3, .padding = 1}, dot, draws);
    const auto at = std::find(result.pixels.begin(), result.pixels.end(), 200) - result.pixels.begin();
    REQUIRE(std::count(result.pixels.begin(), result.pixels.end(), 0) == 8);
    ++counts[{int(at) / 3, int(at) % 3}];
  }
  CHECK(counts.size() == 9);
  for (const auto& [place, count] : counts) {
    CHECK(std::abs(count - 1000) < 150);
  }
}

TEST_CASE("colour jitter: every order of the operations comes equally often") {
  // Strengths follow the one draw of two words for the probability and the three for the order.
  constexpr int kSamples = 2400;
  const ColorJitter jitter{.brightness = 0.4, .contrast = 0.5, .saturation = 0.6, .hue = 0.2};
  const Image picture = crop(reference_image("picture"), {3, 10, 6, 8});
  std::map<std::array<int, 4>, int> counts;
  for (int i = 0; i < kSamples; ++i) {
    const PhiloxKey key{.seed = 8, .offset = uint64_t(i)};
    Draws draws(key);
    const Image result = apply(jitter, picture, draws);
    Draws strengths(key);
    for (int skipped = 0; skipped < 5; ++skipped) {
      strengths.bits();
    }
    const double brightness = uniform(strengths, {0.6, 1.4});
    const double contrast = uniform(strengths, {0.5, 1.5});
    const double saturation = uniform(strengths, {0.4, 1.6});
    const double hue = uniform(strengths, {-0.2, 0.2});
    std::array<int, 4> order = {0, 1, 2, 3};
    std::vector<std::array<int, 4>> matches;
    do {
      Image candidate = picture;
      for (const int operation : order) {
        candidate = operation == 0   ? adjust_brightness(candidate, brightness)
                    : operation == 1 ? adjust_contrast(candidate, contrast)
                    : operation == 2 ? adjust_saturation(candidate, saturation)
                                     : adjust_hue(candidate, hue);
      }
      if (candidate == result) {
        matches.push_back(order);
      }
    } while (std::next_permutation(order.begin(), order.end()));
    REQUIRE(!matches.empty());
    ++counts[matches[size_t(i) % matches.size()]];  // a few strengths make orders indistinguishable
  }
  CHECK(counts.size() == 24);
  for (const auto& [order, count] : counts) {
    CHECK(std::abs(count - 100) < 50);
  }
}

TEST_CASE("augmentation: parameters out of range are refused by name") {
  CHECK_THROWS_WITH(check(RandomResizedCrop{.size = 0}), Contains("random_resized_crop: size") && Contains("got 0"));
  CHECK_THROWS_WITH(check(RandomResizedCrop{.size = 8, .scale = {0.5, 0.2}}), Contains("scale"));
  CHECK_THROWS_WITH(check(RandomResizedCrop{.size = 8, .ratio = {0, 1}}), Contains("ratio"));
  CHECK_THROWS_WITH(check(ColorJitter{.hue = 0.6}), Contains("color_jitter: hue") && Contains("0.6"));
  CHECK_THROWS_WITH(check(RandomGrayscale{.probability = -1}), Contains("probability"));
  CHECK_THROWS_WITH(check(RandAugment{.magnitude = 31}), Contains("magnitude") && Contains("31"));
  CHECK_THROWS_WITH(check(RandomGaussianBlur{.sigma = {-1, 2}}), Contains("sigma"));
  const Image small(4, 4, 3);
  Draws draws({});
  CHECK_THROWS_WITH(apply(RandomCrop{.size = 8, .padding = 1}, small, draws), Contains("4 x 4") && Contains("8"));
}
