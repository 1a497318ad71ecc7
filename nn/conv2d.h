#pragma once

#include "nn/module.h"
#include "ops/conv.h"

namespace lv::nn {

struct Conv2dOptions {
  ops::Conv2dOptions conv = {};
  bool has_bias = true;
};

/// A convolution over [N, H, W, in]. Parameters: weight [out, in / groups, kh, kw], in memory as [out, kh, kw, in /
/// groups], and bias [out]; both start uniform in +-1 / sqrt(fan_in), as torch's.
class Conv2d final : public Module {
 public:
  Conv2d(int64_t in, int64_t out, ops::Size2d kernel, const Conv2dOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& x) const;
  [[nodiscard]] const ops::Conv2dOptions& options() const { return options_; }
  [[nodiscard]] int64_t multiply_adds(const Shape& input, const Shape& output) const override;

  Tensor weight;
  Tensor bias;  // undefined when left out

 private:
  ops::Conv2dOptions options_;
};

}  // namespace lv::nn
