#pragma once

#include "nn/module.h"

namespace lv::nn {

/// y = x weight^T + bias. x: [.., in] -> [.., out]. Parameters: weight [out, in], bias [out]; both start uniform in
/// +-1 / sqrt(in), as torch's.
class Linear final : public Module {
 public:
  Linear(int64_t in, int64_t out, bool has_bias = true);
  [[nodiscard]] Tensor forward(const Tensor& x) const;

  Tensor weight;
  Tensor bias;  // undefined when left out
};

}  // namespace lv::nn
