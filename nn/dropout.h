#pragma once

#include "nn/module.h"

namespace lv::nn {

/// Zeroes elements with probability `rate` and scales the rest, in training only; see ops::dropout.
class Dropout final : public Module {
 public:
  explicit Dropout(double rate);
  [[nodiscard]] Tensor forward(const Tensor& x) const;

 private:
  double rate_;
};

/// Zeroes whole samples (slices of the first axis) with probability `rate` and scales the rest, in training only:
/// stochastic depth for a residual branch; see ops::drop_path.
class DropPath final : public Module {
 public:
  explicit DropPath(double rate);
  [[nodiscard]] Tensor forward(const Tensor& x) const;

 private:
  double rate_;
};

}  // namespace lv::nn
