#include "nn/axial_attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "nn/init.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/matmul.h"
#include "ops/pool.h"
#include "ops/reduce.h"
#include "ops/shape.h"

namespace lv::nn {

namespace {

int64_t term_count(const ops::AxialTerms& terms) {
  return int64_t(terms.content) + int64_t(terms.query_position) + int64_t(terms.key_position);
}
int64_t value_term_count(const ops::AxialTerms& terms) {
  return int64_t(terms.value_content) + int64_t(terms.value_position);
}

/// The column of the table for each query and key: what the public layer keeps among its buffers.
Tensor index_of_pairs(int64_t length) {
  const Tensor index = Tensor::empty({length * length}, DType::i64);
  for (int64_t i = 0; i < length; ++i) {
    for (int64_t j = 0; j < length; ++j) {
      index.data<int64_t>()[i * length + j] = i - j + length - 1;
    }
  }
  return index;
}

/// [channels, 2 channels]: row c adds up the elements 2 c and 2 c + 1.
Tensor sums_of_pairs(int64_t channels) {
  const Tensor matrix = Tensor::zeros({channels, 2 * channels});
  for (int64_t c = 0; c < channels; ++c) {
    std::fill_n(matrix.data<float>() + c * (2 * channels + 2), 2, 1.0F);
  }
  return matrix;
}

}  // namespace

AxialAttention::Projection::Projection(int64_t in, int64_t out) : weight(Tensor::empty({out, in, 1})) {
  init::normal(weight, 0.0, std::sqrt(1.0 / double(in)));
  add_parameter("weight", weight);
}

Tensor AxialAttention::Projection::forward(const Tensor& x) const {
  return run_layer("Linear", x, [&] { return ops::linear(x, ops::squeeze(weight, 2), {}); });
}

int64_t AxialAttention::Projection::multiply_adds(const Shape& /*input*/, const Shape& output) const {
  return numel(output) * weight.size(1);
}

AxialAttention::AxialAttention(int64_t in, int64_t out, int64_t length, const AxialAttentionOptions& options)
    : relative(Tensor::empty({2 * out / options.terms.heads, 2 * length - 1})),
      options_(options),
      channels_(out),
      value_terms_(value_term_count(options.terms)),
      pair_sums_(sums_of_pairs(out)),
      qkv_transform_(in, 2 * out),
      bn_qkv_(2 * out, options.momentum, options.eps),
      bn_similarity_(term_count(options.terms) * options.terms.heads, options.momentum, options.eps),
      bn_output_(value_terms_ * out, options.momentum, options.eps) {
  LV_CHECK_SHAPE(out % (2 * options.terms.heads) == 0, "AxialAttention: twice {} heads do not divide {} channels",
                 options.terms.heads, out);
  init::normal(relative, 0.0, std::sqrt(double(options.terms.heads) / double(out)));
  add_parameter("relative", relative);
  if (options.table == AxialTable::mirrored) {
    flatten_index = index_of_pairs(length);
    add_buffer("flatten_index", flatten_index);
  }
  add("qkv_transform", qkv_transform_);
  if (options.has_qkv_norm) {
    add("bn_qkv", bn_qkv_);
  }
  if (options.similarity == AxialSimilarity::norm) {
    add("bn_similarity", bn_similarity_);
  }
  if (options.has_output_norm) {
    add("bn_output", bn_output_);
  }
}

int64_t AxialAttention::line_length(const Shape& image) const {
  return image[options_.terms.axis == ops::ImageAxis::height ? 1 : 2];
}

Tensor AxialAttention::project(const Tensor& x) {
  const Tensor qkv = qkv_transform_.forward(x);
  return options_.has_qkv_norm ? bn_qkv_.forward(qkv) : qkv;
}

Tensor AxialAttention::table(int64_t length) const {
  if (options_.table == AxialTable::mirrored) {
    return relative;
  }
  const int64_t farthest = (relative.size(1) - 1) / 2;
  std::vector<int64_t> by_key;
  for (int64_t offset = 1 - length; offset < length; ++offset) {
    by_key.push_back(farthest + std::clamp(offset, -farthest, farthest));
  }
  const std::vector<int64_t> by_query(by_key.rbegin(), by_key.rend());
  const int64_t dim = relative.size(0) / 4;
  const std::vector<int64_t> sizes{dim, dim, 2 * dim};
  const auto parts = ops::split(relative, sizes, 0);
  const auto columns = [&](const std::vector<int64_t>& index) {
    return Tensor::from(index, {int64_t(index.size())}).to(relative.device());
  };
  const std::vector<Tensor> spread{ops::index_select(parts[0], 1, columns(by_query)),
                                   ops::index_select(parts[1], 1, columns(by_key)),
                                   ops::index_select(parts[2], 1, columns(by_query))};
  return ops::concat(spread, 0);
}

ops::AxialAttentionOptions AxialAttention::op_options() const {
  const double dim = double(channels_) / double(2 * options_.terms.heads);
  return {.terms = options_.terms,
          .scale = options_.similarity == AxialSimilarity::scaled ? 1.0 / std::sqrt(dim) : 1.0,
          .training = is_training(),
          .momentum = options_.momentum,
          .eps = options_.eps};
}

Tensor AxialAttention::add_terms(const Tensor& y) {
  if (pair_sums_.dtype() != y.dtype() || pair_sums_.device() != y.device()) {
    pair_sums_ = pair_sums_.to(y.dtype()).to(y.device());
  }
  return ops::linear(y, pair_sums_, {});
}

Tensor AxialAttention::forward(const Tensor& x) {
  return run_layer("AxialAttention", x, [&] {
    const bool has_norm = options_.similarity == AxialSimilarity::norm;
    if (has_norm && is_training() && !autograd::is_recomputing()) {
      ++*bn_similarity_.num_batches_tracked.data<int64_t>();
    }
    const auto of_norm = [&](const Tensor& tensor) { return has_norm ? tensor : Tensor(); };
    Tensor y = ops::axial_attention(project(x), table(line_length(x.shape())), of_norm(bn_similarity_.weight),
                                    of_norm(bn_similarity_.bias), of_norm(bn_similarity_.running_mean),
                                    of_norm(bn_similarity_.running_var), op_options());
    y = options_.has_output_norm ? bn_output_.forward(y) : y;
    y = value_terms_ == 2 ? add_terms(y) : y;
    const ops::Size2d window{options_.stride, options_.stride};
    return options_.stride == 1 ? y : ops::avg_pool2d(y, {.kernel = window});
  });
}

int64_t AxialAttention::multiply_adds(const Shape& input, const Shape& /*output*/) const {
  // Of each pixel and each key: three terms with half the channels, two outputs with all of them.
  const int64_t length = line_length(input);
  const int64_t keys = std::min(options_.terms.span.value_or(length), length);
  const int64_t pixels = input[0] * input[1] * input[2];
  return pixels * keys * channels_ * (term_count(options_.terms) + 2 * value_terms_) / 2;
}

Tensor AxialAttention::attention(const Tensor& x) {
  const bool has_norm = options_.similarity == AxialSimilarity::norm;
  const auto of_norm = [&](const Tensor& tensor) { return has_norm ? tensor : Tensor(); };
  return ops::axial_attention_weights(project(x), table(line_length(x.shape())), of_norm(bn_similarity_.weight),
                                      of_norm(bn_similarity_.running_mean), of_norm(bn_similarity_.running_var),
                                      op_options());
}

}  // namespace lv::nn
