#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"

// The numbers of the reference fixtures: parameters, inputs and labels are not stored but made from their names.
// Seed 1.

namespace lv::test {

/// 24 random bits for element `i` of the tensor `name`.
inline uint64_t fixture_bits(const std::string& name, int64_t i) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : name + "#1") {
    hash = (hash ^ uint8_t(c)) * 0x100000001B3ULL;
  }
  uint64_t z = hash + uint64_t(i) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return (z ^ (z >> 31)) >> 40;
}

/// A number in [-1, 1), exact in float32.
inline double fixture_number(const std::string& name, int64_t i) {
  return double(fixture_bits(name, i)) / 0x1p23 - 1.0;
}

/// offset + scale * fixture numbers in row-major order, rounded to float32 once.
inline Tensor fixture_tensor(const std::string& name, const Shape& shape, double scale = 1, double offset = 0) {
  std::vector<float> values(size_t(numel(shape)));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = float(offset + scale * fixture_number(name, int64_t(i)));
  }
  return Tensor::from(values, shape);
}

/// `count` labels below `classes`.
inline Tensor fixture_labels(const std::string& name, int64_t count, int64_t classes) {
  std::vector<int64_t> values(size_t(count), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = int64_t(fixture_bits(name, int64_t(i)) % uint64_t(classes));
  }
  return Tensor::from(values, {count});
}

}  // namespace lv::test
