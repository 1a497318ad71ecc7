#pragma once

#include "nn/linear.h"

namespace lv::nn {

/// Self-attention of tokens [N, L, C] with C / heads channels a head, 128 at most. Children: qkv, a Linear to 3 C
/// channels ordered (q, k or v; head; channel), and proj, a Linear.
class MultiHeadAttention final : public Module {
 public:
  MultiHeadAttention(int64_t channels, int heads, bool has_qkv_bias = true);
  [[nodiscard]] Tensor forward(const Tensor& x) const;
  /// The weights that each query gives to the keys: [N, heads, L, L].
  [[nodiscard]] Tensor attention(const Tensor& x) const;

  Linear qkv;
  Linear proj;

 private:
  /// Queries, keys or values (part 0, 1, 2) of `projected` [N, L, 3 C], as [N, L, heads, C / heads].
  [[nodiscard]] Tensor part(const Tensor& projected, int part) const;

  int heads_;
};

}  // namespace lv::nn
