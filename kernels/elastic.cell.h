#pragma once

#include <cstdint>

#include "core/hostdev.h"

namespace lv::kernels {

/// A weighted sum of neighbouring cells along one axis.
struct ElasticTaps {
  static constexpr int kMost = 4;

  int64_t first;
  int count;
  float weights[kMost];  // multiples of a quarter
};

/// Halving along one axis: output o is the mean of cells 2 o and 2 o + 1, where the last cell stands in for a missing
/// one. `size`: that of the input.
LV_HOSTDEV ElasticTaps halving_taps(int64_t o, int64_t size) {
  return 2 * o + 1 < size ? ElasticTaps{2 * o, 2, {0.5F, 0.5F}} : ElasticTaps{2 * o, 1, {1.0F}};
}

/// What halving's cell i takes of its only output in the gradient.
LV_HOSTDEV float halving_share(int64_t i, int64_t size) { return i % 2 == 0 && i + 1 == size ? 1.0F : 0.5F; }

/// Doubling along one axis, either cells repeated or linear with half-pixel centres: three quarters of the cell that
/// output o lies in and one of the neighbour that it lies next to, which beyond the border is the cell itself. `size`:
/// that of the input.
LV_HOSTDEV ElasticTaps doubling_taps(int64_t o, int64_t size, bool is_nearest) {
  const int64_t near = o / 2;
  const int64_t far = o % 2 == 0 ? near - 1 : near + 1;
  if (is_nearest || far < 0 || far >= size) {
    return {near, 1, {1.0F}};
  }
  return far < near ? ElasticTaps{far, 2, {0.25F, 0.75F}} : ElasticTaps{near, 2, {0.75F, 0.25F}};
}

/// The transposed map: what cell i of `size` takes of the gradient of the first `out` outputs.
LV_HOSTDEV ElasticTaps doubling_grad_taps(int64_t i, int64_t size, int64_t out, bool is_nearest) {
  const int64_t begin = is_nearest || i == 0 ? 2 * i : 2 * i - 1;
  const int64_t end = is_nearest || i + 1 == size ? 2 * i + 2 : 2 * i + 3;
  ElasticTaps taps{begin, 0, {}};
  for (int64_t o = begin; o < end && o < out; ++o) {
    const ElasticTaps forward = doubling_taps(o, size, is_nearest);
    taps.weights[taps.count++] = forward.weights[i - forward.first];
  }
  return taps;
}

}  // namespace lv::kernels
