#include "apps/data/permutation.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "core/error.h"

using namespace lv;
using data::permuted;

TEST_CASE("permuted gives every element once") {
  for (const int64_t n : {1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 1000, 4097}) {
    std::vector<int> seen(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      const int64_t element = permuted({5, 3}, n, i);
      REQUIRE(element >= 0);
      REQUIRE(element < n);
      ++seen[size_t(element)];
    }
    CHECK(seen == std::vector<int>(size_t(n), 1));
  }
}

TEST_CASE("permuted sends each position everywhere equally often") {
  constexpr int kSize = 10;
  constexpr int kKeys = 10000;
  std::vector<int> counts(kSize * kSize);
  std::vector<int> followed_by_successor(kSize);
  for (uint64_t key = 0; key < kKeys; ++key) {
    for (int i = 0; i < kSize; ++i) {
      const int64_t element = permuted({key, 1}, kSize, i);
      ++counts[size_t(i * kSize + element)];
      if (i > 0 && element == permuted({key, 1}, kSize, i - 1) + 1) {
        ++followed_by_successor[size_t(i)];
      }
    }
  }
  // Binomial: six standard deviations around the mean.
  const double mean = double(kKeys) / kSize;
  for (const int count : counts) {
    CHECK(std::abs(count - mean) < 6 * std::sqrt(mean * (1 - 1.0 / kSize)));
  }
  for (int i = 1; i < kSize; ++i) {
    CHECK(std::abs(followed_by_successor[size_t(i)] - mean) < 6 * std::sqrt(mean));
  }
}

TEST_CASE("permuted works at the largest size and refuses positions outside") {
  constexpr int64_t kLargest = int64_t{1} << 62;
  CHECK(permuted({1, 1}, kLargest, kLargest - 1) != permuted({1, 2}, kLargest, kLargest - 1));
  CHECK_THROWS_AS(permuted({1, 1}, 10, 10), Error);
  CHECK_THROWS_AS(permuted({1, 1}, 10, -1), Error);
  CHECK_THROWS_AS(permuted({1, 1}, 0, 0), Error);
}
