#pragma once

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "apps/data/image.h"
#include "core/tensor.h"

namespace lv::test {

/// The rectangle of the values of picture [H, W, C] that are at least `low`; empty when there is none.
inline data::Rect box_of(const Tensor& picture, float low) {
  const std::vector<float> values = picture.to_vector<float>();
  const int64_t channels = picture.size(2);
  int64_t left = picture.size(1);
  int64_t right = 0;
  int64_t top = picture.size(0);
  int64_t bottom = 0;
  for (int64_t i = 0; i < picture.numel(); ++i) {
    if (values[size_t(i)] >= low) {
      const int64_t row = i / channels / picture.size(1);
      const int64_t column = i / channels % picture.size(1);
      left = std::min(left, column);
      right = std::max(right, column + 1);
      top = std::min(top, row);
      bottom = std::max(bottom, row + 1);
    }
  }
  return right > 0 ? data::Rect{top, left, bottom - top, right - left} : data::Rect{};
}

/// Means and deviations of the places and sizes of rectangles.
class Moments {
 public:
  void add(const data::Rect& part) {
    const std::array values{part.top, part.left, part.height, part.width};
    for (size_t k = 0; k < 4; ++k) {
      sum_[k] += double(values[k]);
      squares_[k] += double(values[k] * values[k]);
    }
    ++count_;
  }

  /// Against [means, deviations] of 100,000 other draws, within five standard errors of the difference; those of a
  /// deviation are smaller than those of a mean for flat shapes.
  void check_like(const std::vector<double>& wanted) const {
    for (size_t k = 0; k < 4; ++k) {
      CAPTURE(k);
      const double mean = sum_[k] / double(count_);
      const double deviation = std::sqrt(std::max(squares_[k] / double(count_) - mean * mean, 0.0));
      const double tolerance = 5 * wanted[4 + k] * std::sqrt(1.0 / double(count_) + 1e-5) + 1e-9;
      CHECK(std::abs(mean - wanted[k]) <= tolerance);
      CHECK(std::abs(deviation - wanted[4 + k]) <= tolerance);
    }
  }

 private:
  std::array<double, 4> sum_{};
  std::array<double, 4> squares_{};
  int64_t count_ = 0;
};

}  // namespace lv::test
