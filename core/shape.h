#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "core/error.h"

namespace lv {

inline constexpr int kMaxRank = 6;

/// Up to kMaxRank int64 values without a heap allocation: sizes of a tensor (Shape) or steps in elements (Strides).
class Dims {
 public:
  constexpr Dims() = default;
  constexpr Dims(std::initializer_list<int64_t> values) : Dims(std::span(values.begin(), values.size())) {}
  constexpr explicit Dims(std::span<const int64_t> values) : rank_(int(values.size())) {
    LV_CHECK_SHAPE(values.size() <= size_t(kMaxRank), "shape: rank {} is above the maximum of {}", values.size(),
                   kMaxRank);
    std::copy(values.begin(), values.end(), values_.begin());
  }
  /// `rank` copies of `value`.
  static constexpr Dims filled(int rank, int64_t value) {
    Dims dims;
    for (int i = 0; i < rank; ++i) {
      dims.push_back(value);
    }
    return dims;
  }

  [[nodiscard]] constexpr int rank() const { return rank_; }
  constexpr int64_t& operator[](int i) { return values_[size_t(i)]; }
  constexpr int64_t operator[](int i) const { return values_[size_t(i)]; }
  [[nodiscard]] constexpr const int64_t* begin() const { return values_.data(); }
  [[nodiscard]] constexpr const int64_t* end() const { return values_.data() + rank_; }
  [[nodiscard]] constexpr int64_t back() const { return values_[size_t(rank_ - 1)]; }
  constexpr void push_back(int64_t value) {
    LV_CHECK_SHAPE(rank_ < kMaxRank, "shape: rank would be above the maximum of {}", kMaxRank);
    values_[size_t(rank_++)] = value;
  }
  constexpr void insert(int at, int64_t value) {
    push_back(value);
    std::rotate(values_.begin() + at, values_.begin() + rank_ - 1, values_.begin() + rank_);
  }
  constexpr void erase(int at) {
    std::copy(values_.begin() + at + 1, values_.begin() + rank_, values_.begin() + at);
    values_[size_t(--rank_)] = 0;
  }
  constexpr bool operator==(const Dims& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

 private:
  std::array<int64_t, kMaxRank> values_{};
  int rank_ = 0;
};

using Shape = Dims;
using Strides = Dims;

/// Product of the sizes; 1 for rank 0.
constexpr int64_t numel(const Shape& shape) {
  int64_t n = 1;
  for (const int64_t size : shape) {
    n *= size;
  }
  return n;
}

/// Row-major strides of `shape`.
constexpr Strides contiguous_strides(const Shape& shape) {
  Strides strides = Strides::filled(shape.rank(), 1);
  for (int i = shape.rank() - 2; i >= 0; --i) {
    strides[i] = strides[i + 1] * std::max<int64_t>(shape[i + 1], 1);
  }
  return strides;
}

/// Maps an axis in [-rank, rank) to [0, rank); throws ShapeError naming `who` otherwise.
int normalize_axis(int axis, int rank, std::string_view who);

/// The shape that `a` and `b` broadcast to (sizes equal or 1, aligned at the last axis); throws ShapeError naming
/// `who`.
Shape broadcast_shapes(const Shape& a, const Shape& b, std::string_view who);

/// Whether the elements fill a block without gaps, in some order of the axes (a weight stored OHWI, a transposed
/// matrix).
bool is_dense(const Shape& shape, const Strides& strides);

std::string to_string(const Dims& dims);

}  // namespace lv

template <>
struct fmt::formatter<lv::Dims> : fmt::formatter<std::string> {
  auto format(const lv::Dims& dims, format_context& context) const {
    return fmt::formatter<std::string>::format(lv::to_string(dims), context);
  }
};
