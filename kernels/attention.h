#pragma once

#include "core/hostdev.h"
#include "kernels/dispatch.h"

// Softmax attention of queries over keys. T is the floating dtype of all arrays, S the compute type (f64 for f64, else
// f32). q: [B, Lq, H, D], k: [B, Lk, H, D], v: [B, Lk, H, Dv]; the channels of these three are contiguous, their other
// strides are free (a projection to queries, keys and values is read where it lies). o and all gradients are dense.
// Logits are scale q.k + bias, -infinity where the mask is false or, with is_causal, where the key's number is above
// the query's. They are never stored: forward keeps their log-sum-exp, backward makes them anew.

namespace lv::kernels {

struct AttentionShape {
  int64_t batch, queries, keys, heads, dim, value_dim;
  double scale;
  bool is_causal;
};

/// The rows of [B, L, H, D], by head.
template <class T>
struct HeadRows {
  T* data;
  int64_t sample_step, row_step, head_step;

  /// Row `i` of head `task % heads` of sample `task / heads`.
  LV_HOSTDEV T* row(const AttentionShape& shape, int64_t task, int64_t i) const {
    return data + task / shape.heads * sample_step + task % shape.heads * head_step + i * row_step;
  }
};

template <class T, class Ref>
HeadRows<T> head_rows(const Ref& array) {
  return {array.template as<std::remove_const_t<T>>(), array.strides[0], array.strides[1], array.strides[2]};
}

/// Bias and mask, broadcast to [B, H, Lq, Lk] by zero strides; either may be absent.
struct AttentionTerms {
  ConstTensorRef bias;
  ConstTensorRef mask;  // bool, true where a query may see a key
};

struct AttentionArgs {
  ConstTensorRef q, k, v;
  AttentionTerms terms;
  TensorRef o;
  TensorRef lse;  // [B, H, Lq], S
  AttentionShape shape;
};

struct AttentionBackwardArgs {
  ConstTensorRef grad, q, k, v, o, lse;
  AttentionTerms terms;
  TensorRef dq, dk, dv;  // any may be absent
  TensorRef dbias;       // [B, H, Lq, Lk]; may be absent
  TensorRef delta;       // [B, H, Lq], S: sums of grad * o, workspace; CUDA only
  AttentionShape shape;
};

/// Largest D and Dv that the kernels take.
inline constexpr int64_t kMaxAttentionDim = 128;

LV_KERNEL(attention, AttentionArgs)
LV_KERNEL(attention_backward, AttentionBackwardArgs)

}  // namespace lv::kernels
