#pragma once

#include "nn/norm.h"
#include "ops/axial_attention.h"

namespace lv::nn {

/// How the columns of AxialAttention's table belong to distances between query and key.
enum class AxialTable : uint8_t {
  mirrored,  // by query - key for q and v, by key - query for k; as wide as the longest line needs
  clipped,   // by key - query for all three; longer distances share the first and the last column
};

enum class AxialSimilarity : uint8_t {
  norm,    // batch norm of each term by head
  scaled,  // times 1 / sqrt(d)
  plain,
};

struct AxialAttentionOptions {
  ops::AxialTerms terms = {};
  AxialTable table = AxialTable::mirrored;
  AxialSimilarity similarity = AxialSimilarity::norm;
  bool has_qkv_norm = true;
  bool has_output_norm = true;
  int64_t stride = 1;  // average pooling of the result
  double eps = 1e-5;
  double momentum = 0.1;
};

/// The position-sensitive axial-attention layer: a projection of each pixel to q, k and v, attention along one axis,
/// and the sum of its content and position outputs; batch norm on the projection, on the terms of the logits and on
/// both outputs. x: [N, H, W, in] -> [N, H / stride, W / stride, out].
///
/// Names as in the public checkpoints. Parameters: relative [2 out / heads, columns]; qkv_transform.weight
/// [2 out, in, 1]; bn_qkv, bn_similarity (term, head), bn_output (head, channel, term): weight, bias. Buffers:
/// flatten_index [length^2] for mirrored tables, the norms' statistics.
class AxialAttention final : public Module {
 public:
  /// `length`: lines up to which a mirrored table is wide enough; the largest distance of a clipped one, plus one.
  AxialAttention(int64_t in, int64_t out, int64_t length, const AxialAttentionOptions& options = {});
  [[nodiscard]] Tensor forward(const Tensor& x);
  [[nodiscard]] int64_t multiply_adds(const Shape& input, const Shape& output) const override;
  /// The weights that each query gives to the keys, in evaluation: [N, lines, heads, L, L].
  [[nodiscard]] Tensor attention(const Tensor& x);

  Tensor relative;
  Tensor flatten_index;

 private:
  /// The convolution over one position, a matrix.
  class Projection final : public Module {
   public:
    Projection(int64_t in, int64_t out);
    [[nodiscard]] Tensor forward(const Tensor& x) const;
    [[nodiscard]] int64_t multiply_adds(const Shape& input, const Shape& output) const override;
    Tensor weight;  // [out, in, 1]
  };

  [[nodiscard]] Tensor project(const Tensor& x);
  /// The table as the op takes it, for lines of `length`.
  [[nodiscard]] Tensor table(int64_t length) const;
  /// The sum of the two outputs, which are neighbouring channels. A product with a constant matrix: one pass over
  /// memory in each direction, and exact.
  [[nodiscard]] Tensor add_terms(const Tensor& y);
  [[nodiscard]] ops::AxialAttentionOptions op_options() const;
  [[nodiscard]] int64_t line_length(const Shape& image) const;

  AxialAttentionOptions options_;
  int64_t channels_;
  int64_t value_terms_;
  Tensor pair_sums_;
  Projection qkv_transform_;
  BatchNorm bn_qkv_;
  BatchNorm bn_similarity_;
  BatchNorm bn_output_;
};

}  // namespace lv::nn
