#pragma once

#include "core/generator.h"
#include "core/tensor.h"

// Fills parameters with their starting values, drawn by element index from the generator: the same values on every
// device and whatever the layout in memory. Fans are those of weights [out, in, ...]: in, and out, times the cells of
// the kernel.

namespace lv::nn::init {

void uniform(const Tensor& tensor, double low, double high, Generator& generator = default_generator());
void normal(const Tensor& tensor, double mean, double std, Generator& generator = default_generator());
/// Normal values redrawn until they lie within [low, high] (in units, not deviations).
void truncated_normal(const Tensor& tensor, double mean, double std, double low = -2.0, double high = 2.0,
                      Generator& generator = default_generator());

enum class Fan : uint8_t { in, out };

/// Uniform in +-gain * sqrt(3 / fan_in), gain = sqrt(2 / (1 + slope^2)): torch's default for convolutions and linear
/// layers has slope sqrt(5), which makes it +-1 / sqrt(fan_in).
void kaiming_uniform(const Tensor& weight, double slope, Generator& generator = default_generator());
/// Normal with deviation sqrt(2 / fan): He's initialisation for ReLU.
void kaiming_normal(const Tensor& weight, Fan fan, Generator& generator = default_generator());
/// Uniform in +-sqrt(6 / (fan_in + fan_out)).
void xavier_uniform(const Tensor& weight, Generator& generator = default_generator());

int64_t fan_in(const Shape& weight);
int64_t fan_out(const Shape& weight);

}  // namespace lv::nn::init
