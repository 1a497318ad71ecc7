#include "nn/embedding.h"

#include "nn/init.h"
#include "ops/index.h"

namespace lv::nn {

Embedding::Embedding(int64_t rows, int64_t channels, int64_t padding_index)
    : weight(Tensor::empty({rows, channels})), padding_index_(padding_index) {
  init::normal(weight, 0, 1);
  if (padding_index_ >= 0) {
    weight.select(0, padding_index_).fill(0.0);
  }
  add_parameter("weight", weight);
}

Tensor Embedding::forward(const Tensor& index) const {
  return run_layer("Embedding", index, [&] { return ops::embedding(weight, index, padding_index_); });
}

}  // namespace lv::nn
