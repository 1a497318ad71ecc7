#include "apps/data/digit_bank.h"

#include <algorithm>

#include "apps/data/embedded_mnist.h"
#include "apps/data/idx.h"
#include "core/error.h"

namespace lv::data {

namespace {

constexpr int64_t kPixels = kDigitSize * kDigitSize;
constexpr uint8_t kInked = 128;

Rect box_of_ink(std::span<const uint8_t> pixels) {
  int64_t top = kDigitSize;
  int64_t left = kDigitSize;
  int64_t bottom = 0;
  int64_t right = 0;
  for (int64_t y = 0; y < kDigitSize; ++y) {
    for (int64_t x = 0; x < kDigitSize; ++x) {
      if (pixels[size_t(y * kDigitSize + x)] >= kInked) {
        top = std::min(top, y);
        bottom = y + 1;
        left = std::min(left, x);
        right = std::max(right, x + 1);
      }
    }
  }
  return {top, left, bottom - top, right - left};
}

}  // namespace

const DigitBank& DigitBank::of(Split split) {
  static const DigitBank train(Split::train);
  static const DigitBank held_out(Split::held_out);
  return split == Split::train ? train : held_out;
}

DigitBank::DigitBank(Split split) {
  const MnistFiles files = embedded_mnist(split);
  pixels_ = parse_idx(files.images, 3, files.source).bytes;
  labels_ = parse_idx(files.labels, 1, files.source).bytes;
  LV_CHECK(pixels_.size() == labels_.size() * kPixels, "{}: {} labels for {} bytes of pixels", files.source,
           labels_.size(), pixels_.size());
  for (int64_t i = 0; i < size(); ++i) {
    inks_.push_back(box_of_ink(pixels(i)));
    by_value_.at(labels_[size_t(i)]).push_back(i);
  }
}

std::span<const uint8_t> DigitBank::pixels(int64_t index) const {
  return std::span(pixels_).subspan(size_t(index * kPixels), kPixels);
}

std::span<const uint8_t> DigitBank::pixels(int value, int64_t number) const {
  return pixels(by_value_[size_t(value)][size_t(number)]);
}

Rect DigitBank::ink(int value, int64_t number) const { return inks_[size_t(by_value_[size_t(value)][size_t(number)])]; }

}  // namespace lv::data
