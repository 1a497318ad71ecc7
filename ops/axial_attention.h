#pragma once

#include "ops/op_struct.h"

namespace lv::ops {

enum class ImageAxis : uint8_t { height, width };

/// Which positions see each other, and which terms make up the logits and the outputs.
struct AxialTerms {
  int64_t heads = 8;
  ImageAxis axis = ImageAxis::height;
  std::optional<int64_t> dim = {};   // channels of a head's q and of its k; absent: half as many as of its v
  std::optional<int64_t> span = {};  // odd: a query sees that many keys around it, those outside of the image excepted;
                                     // absent, or not below the length: all
  bool content = true;               // q_i . k_j
  bool query_position = true;        // q_i . R_q[i - j]
  bool key_position = true;          // k_j . R_k[j - i]
  bool value_content = true;         // v_j
  bool value_position = true;        // R_v[i - j]
};

struct AxialAttentionOptions {
  AxialTerms terms = {};
  double scale = 1;       // of the logits, where there is no norm
  bool training = true;   // norm by the batch's statistics; otherwise by the running ones, as constants
  double momentum = 0.1;  // see BatchNormOptions
  double eps = 1e-5;
};

/// Position-sensitive attention of each row or column of an image within itself, all heads at once. Logits are the sum
/// of up to three terms, each under a batch norm of its own by head, or times `scale`; they are never stored.
///
/// qkv: [N, H, W, heads (2 d + e)], by head q, k (d channels each) and v (e), 128 at most, read in place where channels
/// are contiguous; relative: [2 d + e, 2 M - 1], the tables R_q, R_k and R_v of which column M - 1 + t belongs to
/// offset t, M at least the largest distance plus one; weight, bias, running_mean, running_var: [terms * heads], terms
/// outermost, all absent without a norm. Training moves the running statistics as batch_norm does, by the pairs that
/// see each other. -> [N, H, W, heads e terms]: by head and channel the weighted sums of v and of R_v, those that are
/// asked for. Differentiable in all but the running statistics; bias has no effect, its gradient is 0. Throws
/// ShapeError, DTypeError.
Tensor axial_attention(const Tensor& qkv, const Tensor& relative, const Tensor& weight, const Tensor& bias,
                       const Tensor& running_mean, const Tensor& running_var,
                       const AxialAttentionOptions& options = {});

/// The weights that each query gives to the keys, for pictures: [N, lines, heads, L, L], lines being columns along the
/// height axis. Arguments as above; uses the running statistics where there is a norm. Composed, and stores all logits.
Tensor axial_attention_weights(const Tensor& qkv, const Tensor& relative, const Tensor& weight,
                               const Tensor& running_mean, const Tensor& running_var,
                               const AxialAttentionOptions& options = {});

/// Inputs qkv, relative, weight, bias, mean, variance; the last four may be absent. With weight, but without
/// statistics, those of the batch are taken, and returned: output, mean and unbiased variance, [terms * heads].
LV_OP_STRUCT(AxialAttention, "axial_attention", CastPolicy::none, SecondOrder::reference, AxialTerms terms = {};
             double scale = 1; double eps = 1e-5;)

}  // namespace lv::ops
