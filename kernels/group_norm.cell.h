#pragma once

#include <cmath>
#include <cstdint>

#include "core/hostdev.h"

// What kernels/group_norm.h says, for the pair of sample and group `i`. A: float or double.

namespace lv::kernels {

template <class A>
struct GroupNormCoefficientsCell {
  const A* mean;
  const A* variance;
  const A* weight;
  const A* bias;
  A eps;
  A* group_mean;
  A* inv_std;
  A* scale;
  A* offset;
  int64_t channels;
  int64_t width;  // channels of a group

  LV_HOSTDEV void operator()(int64_t i) const {
    const int64_t first = i * width;
    double center = 0;
    for (int64_t k = first; k < first + width; ++k) {
      center += double(mean[k]);
    }
    center /= double(width);
    double square = 0;
    for (int64_t k = first; k < first + width; ++k) {
      const double distance = double(mean[k]) - center;
      square += double(variance[k]) + distance * distance;
    }
    const A factor = A(1) / std::sqrt(A(square / double(width)) + eps);
    for (int64_t k = first; k < first + width; ++k) {
      const int64_t c = k % channels;
      group_mean[k] = A(center);
      inv_std[k] = factor;
      scale[k] = weight != nullptr ? weight[c] * factor : factor;
      offset[k] = bias != nullptr ? bias[c] : A(0);
    }
  }
};

template <class A>
struct GroupNormGradCoefficientsCell {
  const A* sums;
  const A* inv_std;
  const A* scale;
  A* slope;
  A* shift;
  int64_t channels;
  int64_t width;
  int64_t rows;

  LV_HOSTDEV void operator()(int64_t i) const {
    const int64_t first = i * width;
    A grads = 0;
    A products = 0;
    for (int64_t k = first; k < first + width; ++k) {
      const int64_t at = k / channels * 2 * channels + k % channels;
      grads += scale[k] * sums[at];
      products += scale[k] * sums[at + channels];
    }
    const A share = A(-1) / A(rows * width);
    for (int64_t k = first; k < first + width; ++k) {
      slope[k] = share * inv_std[k] * inv_std[k] * products;
      shift[k] = share * grads;
    }
  }
};

}  // namespace lv::kernels
