#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "apps/data/dataset.h"
#include "apps/data/image.h"

namespace lv::data {

inline constexpr int64_t kDigitSize = 28;

/// Handwritten digits that are part of the program: a subset of MNIST, its training pictures for one split and its test
/// pictures, by other writers, for the other. Grey values, ink is 255.
class DigitBank {
 public:
  /// Unpacked at the first call.
  static const DigitBank& of(Split split);

  /// How many there are of this value.
  [[nodiscard]] int64_t count(int value) const { return int64_t(by_value_[size_t(value)].size()); }
  /// [kDigitSize, kDigitSize]
  [[nodiscard]] std::span<const uint8_t> pixels(int value, int64_t number) const;
  /// The smallest box around all pixels that are at least half inked.
  [[nodiscard]] Rect ink(int value, int64_t number) const;

  // As a list, in MNIST's order.
  [[nodiscard]] int64_t size() const { return int64_t(labels_.size()); }
  [[nodiscard]] int label(int64_t index) const { return labels_[size_t(index)]; }
  [[nodiscard]] std::span<const uint8_t> pixels(int64_t index) const;

 private:
  explicit DigitBank(Split split);

  std::vector<uint8_t> pixels_;
  std::vector<uint8_t> labels_;
  std::vector<Rect> inks_;
  std::array<std::vector<int64_t>, 10> by_value_;
};

}  // namespace lv::data
