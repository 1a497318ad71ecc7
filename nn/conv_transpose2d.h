#pragma once

#include "nn/module.h"
#include "ops/conv.h"

namespace lv::nn {

struct ConvTranspose2dOptions {
  ops::ConvTranspose2dOptions conv = {};
  bool has_bias = true;
};

/// A transposed convolution over [N, H, W, in]. Parameters: weight [in, out / groups, kh, kw] and bias [out]; both
/// start uniform in +-1 / sqrt(out / groups * kh * kw), as torch's.
class ConvTranspose2d final : public Module {
 public:
  ConvTranspose2d(int64_t in, int64_t out, ops::Size2d kernel, const ConvTranspose2dOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& x) const;
  [[nodiscard]] int64_t multiply_adds(const Shape& input, const Shape& output) const override;

  Tensor weight;
  Tensor bias;  // undefined when left out

 private:
  ops::ConvTranspose2dOptions options_;
};

}  // namespace lv::nn
