#pragma once

#include "ops/op_struct.h"

namespace lv::ops {

struct AttentionOptions {
  std::optional<double> scale = {};  // absent: 1 / sqrt(D)
  bool is_causal = false;            // query i sees keys 0 to i
};

/// softmax(scale q k^T + bias) v for every head, without storing the weights.
/// q: [B, Lq, H, D]; k: [B, Lk, H, D]; v: [B, Lk, H, Dv], one floating dtype, D and Dv up to 128, read in place where
/// the channels are contiguous; bias: broadcasts to [B, H, Lq, Lk], or absent; mask: bool, broadcasts likewise, true
/// where a query may see a key, or absent -> [B, Lq, H, Dv]. A query that sees no key gives NaN. Differentiable in q,
/// k, v and bias. Throws ShapeError, DTypeError.
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const AttentionOptions& options = {}, const Tensor& bias = {},
                                    const Tensor& mask = {});

/// Inputs q, k, v, bias, mask. The second output, for backward, is the log-sum-exp [B, H, Lq].
LV_OP_STRUCT(Attention, "scaled_dot_product_attention", CastPolicy::low, SecondOrder::reference,
             AttentionOptions attention = {};)

}  // namespace lv::ops
