#pragma once

#include <array>

#include "nn/linear.h"

namespace lv::nn {

/// Self-attention of tokens [N, L, C] with C / heads channels a head, 128 at most. Children: qkv, a Linear to 3 C
/// channels ordered (q, k or v; head; channel), and proj, a Linear.
class MultiHeadAttention final : public Module {
 public:
  MultiHeadAttention(int64_t channels, int heads, bool has_qkv_bias = true);
  [[nodiscard]] Tensor forward(const Tensor& x) const;
  [[nodiscard]] int64_t multiply_adds(const Shape& input, const Shape& output) const override;
  /// The weights that each query gives to the keys: [N, heads, L, L].
  [[nodiscard]] Tensor attention(const Tensor& x) const;

  Linear qkv;
  Linear proj;

 private:
  /// Queries, keys and values of x, each [N, L, heads, C / heads].
  [[nodiscard]] std::array<Tensor, 3> project(const Tensor& x) const;

  int heads_;
};

}  // namespace lv::nn
