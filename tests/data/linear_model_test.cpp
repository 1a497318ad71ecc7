// What Digit Scenes ask for cannot be read off single pixels.

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <span>
#include <vector>

#include "apps/data/digit_bank.h"
#include "apps/data/digit_scene.h"

using namespace lv::data;

namespace {

struct Sample {
  std::vector<float> inputs;  // centred
  int label;
};

Sample make_sample(std::span<const uint8_t> pixels, int label) {
  Sample sample{{1.0F}, label};
  for (const uint8_t value : pixels) {
    sample.inputs.push_back((float(value) - 128) / 128);
  }
  return sample;
}

std::vector<Sample> scenes(Split split, int64_t count) {
  std::vector<Sample> samples;
  for (int64_t i = 0; i < count; ++i) {
    const DigitScene scene = make_digit_scene({.height = 24, .width = 24}, split, 6, i);
    samples.push_back(make_sample(scene.image.pixels, scene.label));
  }
  return samples;
}

std::vector<Sample> plain_digits(Split split, int64_t count) {
  const DigitBank& bank = DigitBank::of(split);
  std::vector<Sample> samples;
  for (int64_t i = 0; i < count; ++i) {
    samples.push_back(make_sample(bank.pixels(i), bank.label(i)));
  }
  return samples;
}

std::array<float, 10> scores(const std::vector<float>& weights, const Sample& sample) {
  std::array<float, 10> result{};
  const size_t size = sample.inputs.size();
  for (size_t k = 0; k < 10; ++k) {
    for (size_t i = 0; i < size; ++i) {
      result[k] += weights[k * size + i] * sample.inputs[i];
    }
  }
  return result;
}

/// The share of `tests` that logistic regression gets right after gradient descent on `training`.
double accuracy(const std::vector<Sample>& training, const std::vector<Sample>& tests) {
  const size_t size = training[0].inputs.size();
  std::vector<float> weights(10 * size);
  for (int epoch = 0; epoch < 6; ++epoch) {
    for (const Sample& sample : training) {
      std::array<float, 10> share = scores(weights, sample);
      const float top = *std::max_element(share.begin(), share.end());
      float sum = 0;
      for (float& value : share) {
        value = std::exp(value - top);
        sum += value;
      }
      for (size_t k = 0; k < 10; ++k) {
        const float step = 0.003F * (float(int(k) == sample.label) - share[k] / sum);
        for (size_t i = 0; i < size; ++i) {
          weights[k * size + i] += step * sample.inputs[i];
        }
      }
    }
  }
  const auto is_right = [&](const Sample& sample) {
    const std::array<float, 10> result = scores(weights, sample);
    return std::max_element(result.begin(), result.end()) - result.begin() == sample.label;
  };
  return double(std::count_if(tests.begin(), tests.end(), is_right)) / double(tests.size());
}

}  // namespace

TEST_CASE("digit scenes: a linear model stays under one half, though it reads plain digits") {
  CHECK(accuracy(plain_digits(Split::train, 2000), plain_digits(Split::held_out, 1000)) > 0.8);
  CHECK(accuracy(scenes(Split::train, 2000), scenes(Split::held_out, 1000)) < 0.5);
}
