#pragma once

#include <algorithm>
#include <array>

#include "kernels/tensor_ref.h"

// Position-sensitive axial attention: every row or column of an image attends within itself. T is the floating dtype of
// the activations, S the compute type (f64 for f64, else f32). Logits are never stored.
//
// Note [Axial attention]. For one row b, head g, query i and key j of a line of L positions, with the tables R_q, R_k,
// R_v of relative positions shared by all rows and heads:
//
//   x1 = q_i . k_j     x2 = q_i . R_q[i - j]     x3 = k_j . R_k[j - i]
//   P = softmax over j of s1 x1 + s2 x2 + s3 x3
//   out1_i = sum over j of P v_j     out2_i = sum over j of P R_v[i - j]
//
// s is a constant, or batch norm on each of the three terms: s = weight / sqrt(var + eps), with the variance of the
// term over all rows, queries and keys of a head. Its shift and its mean move all logits of a softmax alike and cancel.
// The moments follow from Gram matrices of q, k and the tables, without logits (see axial_moments); in backward, sums
// of dS x follow from the gradients of q, k and the tables, since every row of dS sums to zero. So one pass over the
// logits suffices in each direction, and the rest of the gradient of a norm over the batch,
//
//   dx = s dS - r (x - mean),   r = weight (sum of dS x) / (n (var + eps)^1.5),
//
// is again a product of Gram matrices (see axial_attention_finish).

namespace lv::kernels {

struct AxialShape {
  int64_t samples, lines, length, heads, dim, value_dim;
  int64_t reach;                               // a query sees the keys at most so far away
  int64_t table_center;                        // the column of offset 0 in the tables
  bool content, query_position, key_position;  // the terms of the logits
  bool value_content, value_position;          // the terms of the output

  [[nodiscard]] int64_t rows() const { return samples * lines; }
  [[nodiscard]] int64_t pairs() const { return rows() * heads; }
  /// Channels of a head in q, k, v.
  [[nodiscard]] int64_t head_channels() const { return 2 * dim + value_dim; }
  [[nodiscard]] int64_t values() const { return int64_t(value_content) + int64_t(value_position); }
  [[nodiscard]] std::array<bool, 3> terms() const { return {content, query_position, key_position}; }
  [[nodiscard]] int64_t term_count() const { return int64_t(content) + query_position + key_position; }
  /// Queries and keys of a line that see each other.
  [[nodiscard]] int64_t line_pairs() const {
    const int64_t r = std::min(reach, length - 1);
    return length == 0 ? 0 : length * (2 * r + 1) - r * (r + 1);
  }
};

/// The factors s of the terms. Terms that are left out are absent from the arrays, too.
struct AxialNorm {
  ConstTensorRef weight;   // [terms, heads], f64; absent: s is `scale`
  ConstTensorRef moments;  // [2, terms, heads], f64: means, biased variances; absent with weight
  double eps = 0;
  double scale = 1;
};

/// Pairs (row, head) a packed array has room for: those of every vector width.
constexpr int64_t axial_padded_pairs(int64_t pairs) { return (pairs + 31) / 32 * 32; }

/// Positions a line of a packed array has room for.
constexpr int64_t axial_positions(int64_t length) { return length | 1; }

/// Parts, at most, in which backward adds up the gradients of the tables.
constexpr int64_t axial_parts(int64_t heads) { return 16 + heads; }

/// Turns q, k, v into blocks of as many pairs as a vector has lanes.
struct AxialPackArgs {
  ConstTensorRef qkv;  // [samples, lines, length, heads * head_channels] of T, dense channels: q, k, v of a head
  TensorRef packed;    // [padded pairs * positions * head_channels] of S
  AxialShape shape;
};

/// The batch's moments of the terms.
struct AxialMomentsArgs {
  ConstTensorRef packed;
  ConstTensorRef table;  // [head_channels, columns] of S: R_q, R_k, R_v
  TensorRef moments;     // [2, terms, heads], f64
  TensorRef mean;        // [terms, heads] of S
  TensorRef unbiased;    // [terms, heads] of S: the unbiased variance
  TensorRef grams;       // [2, length, heads, dim + 1, dim], f64: for q and k, sum over rows of x x^T and, last, of x
  AxialShape shape;
};

struct AxialAttentionArgs {
  ConstTensorRef packed, table;
  AxialNorm norm;
  TensorRef
      out;  // [samples, lines, length, heads * value_dim * values] of T, any strides but the last: terms innermost
  TensorRef lse;  // [padded pairs * length] of S: the kernel's own log-sum-exp; absent where no backward follows
  AxialShape shape;
};

struct AxialAttentionBackwardArgs {
  ConstTensorRef grad, out;  // as out
  ConstTensorRef packed, table, lse;
  AxialNorm norm;
  TensorRef packed_grad;  // as packed: gradients for constant moments
  TensorRef sums;         // [3, heads], f64: sums of dS x
  TensorRef table_grad;   // [head_channels, 2 length - 1], f64: gradients for constant moments
  TensorRef parts;        // [axial_parts, head_channels * (2 length - 1) + 3 * heads], f64: workspace
  AxialShape shape;
};

/// Adds what the moments' own gradients contribute, and lays the gradients out as the inputs are.
struct AxialFinishArgs {
  ConstTensorRef packed, table, sums, table_grad;
  ConstTensorRef grams;  // absent where the moments are constants
  AxialNorm norm;
  TensorRef packed_grad;  // read and changed
  TensorRef grad_qkv;     // as qkv
  TensorRef grad_table;   // as table
  TensorRef grad_weight;  // [terms, heads] of S; absent without a norm
  AxialShape shape;
};

namespace cpu {
void axial_pack(const AxialPackArgs& args);
void axial_moments(const AxialMomentsArgs& args);
void axial_attention(const AxialAttentionArgs& args);
void axial_attention_backward(const AxialAttentionBackwardArgs& args);
void axial_attention_finish(const AxialFinishArgs& args);
}  // namespace cpu

}  // namespace lv::kernels
