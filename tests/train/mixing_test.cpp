#include "apps/train/mixing.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "core/safetensors.h"
#include "tests/data/moments.h"
#include "tests/fixture.h"

using namespace lv;
using namespace lv::train;

namespace {

constexpr int64_t kCount = 4;
constexpr int64_t kHeight = 8;
constexpr int64_t kWidth = 6;

/// Picture n is n + 1 everywhere.
Tensor constant_pictures() {
  Tensor images = Tensor::empty({kCount, kHeight, kWidth, 3});
  for (int64_t n = 0; n < kCount; ++n) {
    images.select(0, n).fill(double(n + 1));
  }
  return images;
}

const std::vector<int64_t> kLabels{2, 0, 1, 2};

}  // namespace

TEST_CASE("draws of the Beta distribution have its mean and variance") {
  const double alpha = GENERATE(0.2, 1.0, 3.0);
  constexpr int kDraws = 20000;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = draw_beta(alpha, PhiloxKey{3, uint64_t(i)});
    REQUIRE((value >= 0 && value <= 1));
    sum += value;
    squares += (value - 0.5) * (value - 0.5);
  }
  const double variance = 1 / (4 * (2 * alpha + 1));  // of Beta(alpha, alpha), in closed form
  CHECK(sum / kDraws == Approx(0.5).margin(5 * std::sqrt(variance / kDraws)));
  CHECK(squares / kDraws == Approx(variance).epsilon(0.05));
}

TEST_CASE("mixup blends each picture and label with the one before, by one share") {
  const MixedBatch mixed = mix(constant_pictures(), Tensor::from(kLabels, {kCount}), 3, {.mixup = 1}, PhiloxKey{1, 2});
  const std::vector<float> pixels = mixed.images.to_vector<float>();
  const std::vector<float> targets = mixed.targets.to_vector<float>();
  const float share = targets[3];  // of picture 1, the only one of class 0
  CHECK((share > 0 && share < 1));
  for (int64_t n = 0; n < kCount; ++n) {
    const int64_t other = (n + kCount - 1) % kCount;
    const size_t first = size_t(n * kHeight * kWidth * 3);
    CHECK(pixels[first] == Approx(share * float(n + 1) + (1 - share) * float(other + 1)));
    std::vector<float> wanted(3, 0.0F);
    wanted[size_t(kLabels[size_t(n)])] += share;
    wanted[size_t(kLabels[size_t(other)])] += 1 - share;
    for (size_t c = 0; c < 3; ++c) {
      CHECK(targets[size_t(3 * n) + c] == Approx(wanted[c]));
    }
  }
}

TEST_CASE("cutmix takes a rectangle of the picture before, and its share of the label") {
  int64_t cut_batches = 0;
  for (uint64_t offset = 0; offset < 20; ++offset) {
    const MixedBatch mixed =
        mix(constant_pictures(), Tensor::from(kLabels, {kCount}), 3, {.cutmix = 1}, PhiloxKey{1, offset});
    const std::vector<float> pixels = mixed.images.to_vector<float>();
    int64_t taken = 0;
    for (int64_t i = 0; i < kHeight * kWidth * 3; ++i) {
      const float value = pixels[size_t(kHeight * kWidth * 3 + i)];  // of picture 1
      REQUIRE((value == 2.0F || value == 1.0F));
      taken += int64_t(value == 1.0F);
    }
    const double share = 1 - double(taken) / double(kHeight * kWidth * 3);
    CHECK(mixed.targets.to_vector<float>()[3] == Approx(share));
    cut_batches += int64_t(taken > 0);
  }
  CHECK(cut_batches > 10);
}

TEST_CASE("cutmix: rectangles are distributed as torchvision's") {
  constexpr int kBatches = 10'000;
  constexpr int64_t kRows = 24;
  constexpr int64_t kColumns = 32;
  Tensor images = Tensor::zeros({2, kRows, kColumns, 1});
  images.select(0, 0).fill(1);
  const Tensor labels = Tensor::from(std::vector<int64_t>{0, 1}, {2});
  test::Moments moments;
  for (int i = 0; i < kBatches; ++i) {
    const MixedBatch mixed = mix(images, labels, 2, {.cutmix = 1}, PhiloxKey{2, uint64_t(i)});
    const data::Rect part = test::box_of(mixed.images.select(0, 1), 1.0F);
    if (part.height > 0) {
      moments.add(part);
    }
  }
  const SafetensorsFile draws = load_safetensors(test::fixture("images/draws.safetensors"));
  moments.check_like(draws.at("cutmix 24 32").to_vector<double>());
}
