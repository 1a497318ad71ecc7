#pragma once

#include <cmath>
#include <cstdint>

#include "core/hostdev.h"

// What kernels/batch_norm.h says, for the channel (or pair of group and channel) `i`. A: float or double.

namespace lv::kernels {

template <class A>
struct BatchNormCountCell {
  A count;
  const A* total;

  LV_HOSTDEV A value() const { return total != nullptr ? *total : count; }
};

template <class A>
struct BatchNormCoefficientsCell {
  const A* variance;
  const A* weight;
  const A* bias;
  A eps;
  BatchNormCountCell<A> count;
  A* coefficients;
  A* unbiased;
  int64_t size;  // groups * channels
  int64_t channels;

  LV_HOSTDEV void operator()(int64_t i) const {
    const int64_t c = i % channels;
    const A inv_std = A(1) / std::sqrt(variance[i] + eps);
    coefficients[i] = inv_std;
    coefficients[size + i] = weight != nullptr ? weight[c] * inv_std : inv_std;
    coefficients[2 * size + i] = bias != nullptr ? bias[c] : A(0);
    if (unbiased != nullptr) {
      const A n = count.value();
      unbiased[i] = n > A(1) ? variance[i] * (n / (n - A(1))) : variance[i];
    }
  }
};

template <class A>
struct BatchNormGradCoefficientsCell {
  const A* sums;
  const A* coefficients;
  BatchNormCountCell<A> count;
  A* slope_shift;
  int64_t size;
  int64_t channels;

  LV_HOSTDEV void operator()(int64_t i) const {
    const A* group_sums = sums + i / channels * 2 * channels + i % channels;
    const A inv_std = coefficients[i];
    const A scale = coefficients[size + i] / count.value();
    slope_shift[i] = -scale * inv_std * inv_std * group_sums[channels];
    slope_shift[size + i] = -scale * group_sums[0];
  }
};

template <class A>
struct BatchNormParameterGradsCell {
  const A* sums;
  const A* inv_std;
  A* parameter_grads;
  int64_t groups;
  int64_t channels;

  LV_HOSTDEV void operator()(int64_t c) const {
    A weight = 0;
    A bias = 0;
    for (int64_t g = 0; g < groups; ++g) {
      bias += sums[g * 2 * channels + c];
      weight += sums[(g * 2 + 1) * channels + c] * inv_std[g * channels + c];
    }
    parameter_grads[c] = weight;
    parameter_grads[channels + c] = bias;
  }
};

template <class A>
struct BatchNormUpdateCell {
  const A* mean;
  const A* variance;
  A momentum;
  A* running_mean;
  A* running_var;
  int64_t groups;
  int64_t channels;

  LV_HOSTDEV void operator()(int64_t c) const {
    A group_mean = 0;
    A group_variance = 0;
    for (int64_t g = 0; g < groups; ++g) {
      group_mean += mean[g * channels + c];
      group_variance += variance[g * channels + c];
    }
    const A keep = A(1) - momentum;
    running_mean[c] = keep * running_mean[c] + momentum * (group_mean / A(groups));
    running_var[c] = keep * running_var[c] + momentum * (group_variance / A(groups));
  }
};

template <class A>
struct BatchNormJoinCell {
  const A* parts;
  A* mean;
  A* variance;
  A* total;
  int64_t ranks;
  int64_t size;

  LV_HOSTDEV void operator()(int64_t i) const {
    const int64_t width = 2 * size + 1;
    double count = 0;
    double sum = 0;
    for (int64_t rank = 0; rank < ranks; ++rank) {
      const A* part = parts + rank * width;
      count += double(part[2 * size]);
      sum += double(part[2 * size]) * double(part[i]);
    }
    const double scale = count > 0 ? 1.0 / count : 0.0;
    double squares = 0;
    for (int64_t rank = 0; rank < ranks; ++rank) {
      const A* part = parts + rank * width;
      const double distance = double(part[i]) - sum * scale;
      squares += double(part[2 * size]) * (double(part[size + i]) + distance * distance);
    }
    mean[i] = A(sum * scale);
    variance[i] = A(squares * scale);
    if (i == 0) {
      *total = A(count);
    }
  }
};

}  // namespace lv::kernels
