#include "core/philox.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <vector>

using namespace lv;

namespace {

constexpr int64_t kSamples = 200'000;

std::vector<double> draw(float (*number)(PhiloxKey, int64_t)) {
  std::vector<double> values(kSamples);
  for (int64_t i = 0; i < kSamples; ++i) {
    values[size_t(i)] = number({42, 7}, i);
  }
  return values;
}

double moment(const std::vector<double>& values, double center, int power) {
  double sum = 0;
  for (const double v : values) {
    sum += std::pow(v - center, power);
  }
  return sum / double(values.size());
}

/// sqrt(n) times the Kolmogorov-Smirnov distance; above 1.95 with probability 0.001 for the right distribution.
double kolmogorov_smirnov(std::vector<double> values, const std::function<double(double)>& cdf) {
  std::sort(values.begin(), values.end());
  const auto n = double(values.size());
  double distance = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double p = cdf(values[i]);
    distance = std::max({distance, p - double(i) / n, double(i + 1) / n - p});
  }
  return std::sqrt(n) * distance;
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

}  // namespace

TEST_CASE("philox gives the published known answers") {
  struct Answer {
    std::array<uint32_t, 4> counter;
    std::array<uint32_t, 2> key;
    std::array<uint32_t, 4> words;
  };
  // From the known-answer file of Random123.
  const Answer answers[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Answer& answer : answers) {
    const auto& c = answer.counter;
    const PhiloxWords words = philox4x32_10({{c[0], c[1], c[2], c[3]}}, answer.key[0], answer.key[1]);
    REQUIRE(std::equal(words.w, words.w + 4, answer.words.begin()));
  }
}

TEST_CASE("random bits put the block in the lower, the op offset in the upper half of the counter") {
  const PhiloxKey key{0x299f31d0a4093822, 0x0370734413198a2e};
  const int64_t block = int64_t(0x05a308d3243f6a88);  // an index below 2^63 needs a block below 2^61
  const PhiloxWords expected =
      philox4x32_10({{0x243f6a88, 0x05a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0);
  for (int lane = 0; lane < 4; ++lane) {
    REQUIRE(random_bits(key, 4 * block + lane) == expected.w[lane]);
  }
}

TEST_CASE("uniforms lie in [0, 1) at both ends of their bits") {
  REQUIRE(uniform_from_bits(0) == 0.0F);
  REQUIRE(uniform_from_bits(0xffffffff) == 1.0F - 0x1p-24F);
}

TEST_CASE("uniforms have the distribution and the moments of uniforms") {
  const auto values = draw(random_uniform);
  const double sigma = 1 / std::sqrt(double(kSamples));
  REQUIRE(std::abs(moment(values, 0, 1) - 0.5) < 4 * sigma * std::sqrt(1 / 12.0));
  REQUIRE(std::abs(moment(values, 0.5, 2) - 1 / 12.0) < 4 * sigma * std::sqrt(1 / 180.0));
  REQUIRE(kolmogorov_smirnov(values, [](double x) { return x; }) < 1.95);
}

TEST_CASE("normals have the distribution and the moments of normals") {
  const auto values = draw(random_normal);
  const double sigma = 1 / std::sqrt(double(kSamples));
  REQUIRE(std::abs(moment(values, 0, 1)) < 4 * sigma);
  REQUIRE(std::abs(moment(values, 0, 2) - 1) < 4 * sigma * std::sqrt(2.0));
  REQUIRE(std::abs(moment(values, 0, 3)) < 4 * sigma * std::sqrt(15.0));
  REQUIRE(std::abs(moment(values, 0, 4) - 3) < 4 * sigma * std::sqrt(96.0));
  REQUIRE(kolmogorov_smirnov(values, normal_cdf) < 1.95);
}

TEST_CASE("neighbouring normals are uncorrelated within and across pairs") {
  const auto values = draw(random_normal);
  for (const size_t lag : {1, 2, 4}) {
    for (const size_t phase : {0, 1}) {
      double sum = 0;
      int64_t count = 0;
      for (size_t i = phase; i + lag < values.size(); i += 2, ++count) {
        sum += values[i] * values[i + lag];
      }
      REQUIRE(std::abs(sum / double(count)) < 4 / std::sqrt(double(count)));
    }
  }
}

TEST_CASE("normals agree with Box-Muller in double from the same bits") {
  const double turn = 8 * std::atan(1.0);
  double worst = 0;
  const auto compare = [&](uint32_t radius_bits, uint32_t angle_bits) {
    const NormalPair pair = normals_from_bits(radius_bits, angle_bits);
    // The float that the radius starts from is part of the definition.
    const auto u = double(std::fma(float(radius_bits), 0x1p-32F, 0x1p-33F));
    const double radius = std::sqrt(-2 * std::log(u));
    const double angle = turn * (double(angle_bits) * 0x1p-32);
    worst = std::max(
        {worst, std::abs(pair.first - radius * std::cos(angle)), std::abs(pair.second - radius * std::sin(angle))});
  };
  for (uint32_t i = 0; i < 200'000; ++i) {
    compare(random_bits({1, 2}, 2 * i), random_bits({1, 2}, 2 * i + 1));
  }
  for (const uint32_t radius : {0U, 1U, 2U, 0x7fffffffU, 0xb504f333U, 0xfffffeffU, 0xffffffffU}) {
    for (const uint32_t angle :
         {0U, 0x1fffffffU, 0x20000000U, 0x40000000U, 0x60000000U, 0x80000000U, 0xa0000000U, 0xe0000000U, 0xffffffffU}) {
      compare(radius, angle);
    }
  }
  INFO("largest error " << worst);
  REQUIRE(worst < 8e-7);  // a little above one unit in the last place of the largest radius, 6.8
}

TEST_CASE("normals have these bits on every machine") {
  // Recorded once; compilers, instruction sets and contraction must not change them.
  uint64_t hash = 14695981039346656037U;
  for (int64_t i = 0; i < 10'000; ++i) {
    hash = (hash ^ std::bit_cast<uint32_t>(random_normal({2024, 3}, i))) * 1099511628211U;
  }
  REQUIRE(hash == 0x484c189429c96968U);
}
