#pragma once

#include "kernels/dispatch.h"

// Softmax attention of queries over keys. Dense arrays of one floating dtype; T the compute type (f64 for f64, else
// f32). q, o: [B, Lq, H, D]; k, v: [B, Lk, H, D]. Logits are scale q.k + bias, -infinity where the mask is false or,
// with is_causal, where the key's number is above the query's. They are never stored: forward keeps their log-sum-exp,
// backward makes them anew.

namespace lv::kernels {

struct AttentionShape {
  int64_t batch, queries, keys, heads, dim;
  double scale;
  bool is_causal;
};

/// Bias and mask, broadcast to [B, H, Lq, Lk] by zero strides; either may be absent.
struct AttentionTerms {
  ConstTensorRef bias;
  ConstTensorRef mask;  // bool, true where a query may see a key
};

struct AttentionArgs {
  ConstTensorRef q, k, v;
  AttentionTerms terms;
  TensorRef o;
  TensorRef lse;        // [B, H, Lq], T
  TensorRef workspace;  // attention_workspace(shape, 1) elements of T; CPU only
  AttentionShape shape;
};

struct AttentionBackwardArgs {
  ConstTensorRef grad, q, k, v, o, lse;
  AttentionTerms terms;
  TensorRef dq, dk, dv;
  TensorRef dbias;      // [B, H, Lq, Lk]; may be absent
  TensorRef delta;      // [B, H, Lq], T: sums of grad * o, workspace
  TensorRef workspace;  // attention_workspace(shape, 3) elements of T; CPU only
  AttentionShape shape;
};

/// Largest D that the kernels take.
inline constexpr int64_t kMaxAttentionDim = 128;
/// Query rows that the CPU works on together, and lanes to which it pads rows of keys and of channels.
inline constexpr int64_t kAttentionRows = 4;
inline constexpr int64_t kAttentionPad = 32;

inline int64_t padded_to_lanes(int64_t n) { return (n + kAttentionPad - 1) / kAttentionPad * kAttentionPad; }

/// Elements of workspace of one (batch, head): `copies` pairs of arrays [keys, dim] with padded rows, and rows of
/// logits.
inline int64_t attention_task_workspace(const AttentionShape& shape, int64_t copies) {
  const int64_t keys = padded_to_lanes(shape.keys);
  return copies * 2 * keys * padded_to_lanes(shape.dim) + 2 * kAttentionRows * (keys + padded_to_lanes(shape.dim));
}
inline int64_t attention_workspace(const AttentionShape& shape, int64_t copies) {
  return shape.batch * shape.heads * attention_task_workspace(shape, copies);
}

LV_KERNEL(attention, AttentionArgs)
LV_KERNEL(attention_backward, AttentionBackwardArgs)

}  // namespace lv::kernels
