#pragma once

#include "nn/module.h"

namespace lv::nn {

/// y = x weight^T + bias. x: [.., in] -> [.., out]. Parameters: weight [out, in], bias [out]; both start uniform in
/// +-1 / sqrt(in), as torch's.
class Linear final : public Module {
 public:
  Linear(int64_t in, int64_t out, bool has_bias = true);
  [[nodiscard]] Tensor forward(const Tensor& x) const;
  [[nodiscard]] int64_t multiply_adds(const Shape& input, const Shape& output) const override;

  Tensor weight;
  Tensor bias;  // undefined when left out
};

/// A linear layer whose weight is g v / |v|, row by row. Parameters: bias [out], weight_g [out, 1], weight_v [out, in],
/// the names of torch.nn.utils.weight_norm. v starts as Linear's weight, g as its length.
class WeightNormLinear final : public Module {
 public:
  WeightNormLinear(int64_t in, int64_t out, bool has_bias = true);
  [[nodiscard]] Tensor forward(const Tensor& x) const;
  [[nodiscard]] int64_t multiply_adds(const Shape& input, const Shape& output) const override;

  Tensor bias;  // undefined when left out
  Tensor weight_g;
  Tensor weight_v;
};

}  // namespace lv::nn
