#pragma once

#include "nn/module.h"

namespace lv::nn {

/// Rows of a table: index of any shape S, i64 -> [S..., channels]. Parameter: weight [rows, channels], standard normal
/// at first, as torch's; the row `padding_index`, where it is not negative, is zero and receives no gradient.
class Embedding final : public Module {
 public:
  Embedding(int64_t rows, int64_t channels, int64_t padding_index = -1);
  [[nodiscard]] Tensor forward(const Tensor& index) const;

  Tensor weight;

 private:
  int64_t padding_index_;
};

}  // namespace lv::nn
