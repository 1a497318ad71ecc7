#include "ops/axial_reference.h"

#include <vector>

#include "autograd/basic_ops.h"
#include "ops/elementwise.h"
#include "ops/index.h"
#include "ops/matmul.h"
#include "ops/norm_support.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/softmax.h"

namespace lv::ops {

using autograd::cast;
using kernels::AxialShape;

AxialShape axial_shape(const Shape& qkv, int64_t table_columns, const AxialTerms& terms) {
  const bool is_height = terms.axis == ImageAxis::height;
  const int64_t length = qkv[is_height ? 1 : 2];
  const int64_t channels = qkv[3] / terms.heads;
  const int64_t dim = terms.dim.value_or(channels / 4);
  const int64_t span = terms.span.value_or(length);
  const bool sees_all = span >= length;
  return {.samples = qkv[0],
          .lines = qkv[is_height ? 2 : 1],
          .length = length,
          .heads = terms.heads,
          .dim = dim,
          .value_dim = channels - 2 * dim,
          .reach = sees_all ? length : (span - 1) / 2,
          .table_center = (table_columns - 1) / 2,
          .content = terms.content,
          .query_position = terms.query_position,
          .key_position = terms.key_position,
          .value_content = terms.value_content,
          .value_position = terms.value_position};
}

namespace {

/// q, k, v: [rows * heads, L, channels of each]; tables by query and key: [channels, L, L].
struct Parts {
  Tensor q, k, v;
  Tensor query_table, key_table, value_table;
};

Tensor split_heads(const Tensor& qkv, const AxialShape& shape, ImageAxis axis) {
  const Tensor lines = axis == ImageAxis::height ? transpose(qkv, 1, 2) : qkv;
  const Tensor by_head = reshape(lines, {shape.rows(), shape.length, shape.heads, shape.head_channels()});
  return reshape(transpose(by_head, 1, 2), {shape.pairs(), shape.length, shape.head_channels()});
}

/// Rows of a table spread over queries i and keys j: column center + sign (i - j), where that exists.
Tensor spread_table(const Tensor& rows, const AxialShape& shape, int64_t sign) {
  std::vector<int64_t> columns;
  for (int64_t i = 0; i < shape.length; ++i) {
    for (int64_t j = 0; j < shape.length; ++j) {
      columns.push_back(std::clamp<int64_t>(shape.table_center + sign * (i - j), 0, rows.size(1) - 1));
    }
  }
  const Tensor index = Tensor::from(columns, {shape.length * shape.length}).to(rows.device());
  return reshape(index_select(rows, 1, index), {rows.size(0), shape.length, shape.length});
}

Parts split_parts(const Tensor& qkv, const Tensor& relative, const AxialShape& shape, ImageAxis axis) {
  const std::vector<int64_t> sizes{shape.dim, shape.dim, shape.value_dim};
  const auto channels = split(split_heads(qkv, shape, axis), sizes, 2);
  const auto tables = split(relative, sizes, 0);
  return {.q = channels[0],
          .k = channels[1],
          .v = channels[2],
          .query_table = spread_table(tables[0], shape, 1),
          .key_table = spread_table(tables[1], shape, -1),
          .value_table = spread_table(tables[2], shape, 1)};
}

/// The terms of the logits that are asked for, each [rows, heads, L, L].
std::vector<Tensor> logit_terms(const Parts& parts, const AxialShape& shape) {
  const Shape by_head{shape.rows(), shape.heads, shape.length, shape.length};
  std::vector<Tensor> terms;
  if (shape.content) {
    terms.push_back(matmul(parts.q, transpose(parts.k, 1, 2)));
  }
  if (shape.query_position) {
    const Tensor x = matmul(transpose(parts.q, 0, 1), permute(parts.query_table, {1, 0, 2}));  // [i, pairs, j]
    terms.push_back(transpose(x, 0, 1));
  }
  if (shape.key_position) {
    const Tensor x = matmul(transpose(parts.k, 0, 1), permute(parts.key_table, {2, 0, 1}));  // [j, pairs, i]
    terms.push_back(permute(x, {1, 2, 0}));
  }
  for (Tensor& term : terms) {
    term = reshape(term, by_head);
  }
  return terms;
}

/// 1 where a query [L, .] sees a key [., L], else 0.
Tensor seen_pairs(const AxialShape& shape, DType dtype, Device device) {
  const Tensor seen = Tensor::zeros({shape.length, shape.length}, DType::f64);
  for (int64_t i = 0; i < shape.length; ++i) {
    for (int64_t j = 0; j < shape.length; ++j) {
      seen.data<double>()[i * shape.length + j] = std::abs(i - j) <= shape.reach ? 1 : 0;
    }
  }
  return seen.to(dtype).to(device);
}

struct Logits {
  Tensor weights;         // softmax: [rows, heads, L, L]
  Tensor mean, unbiased;  // of the batch, [terms * heads], where it was measured
};

Logits attend(const AxialInputs& in, const Parts& parts, const AxialShape& shape) {
  const DType dtype = parts.q.dtype();
  const Tensor seen = seen_pairs(shape, dtype, parts.q.device());
  const double count = double(std::max<int64_t>(shape.rows() * shape.line_pairs(), 1));
  const Shape per_head{shape.heads, 1, 1};
  const auto of_term = [&](const Tensor& statistic, int64_t term) {
    return reshape(slice(cast(statistic, dtype), 0, term * shape.heads, (term + 1) * shape.heads), per_head);
  };
  const std::vector<Tensor> terms = logit_terms(parts, shape);
  std::vector<Tensor> means;
  std::vector<Tensor> variances;
  Tensor logits;
  for (size_t t = 0; t < terms.size(); ++t) {
    Tensor x = terms[t];
    if (in.weight.defined()) {
      const auto row = int64_t(t);
      Tensor mean;
      Tensor variance;
      if (in.mean.defined()) {
        mean = of_term(in.mean, row);
        variance = of_term(in.variance, row);
      } else {
        mean = reshape(sum(x * seen, {0, 2, 3}), per_head) / count;
        variance = reshape(sum(square(x - mean) * seen, {0, 2, 3}), per_head) / count;
        means.push_back(reshape(mean, {shape.heads}));
        variances.push_back(reshape(variance, {shape.heads}));
      }
      x = (x - mean) / sqrt(variance + in.eps) * of_term(in.weight, row);
      x = in.bias.defined() ? x + of_term(in.bias, row) : x;
    } else {
      x = x * in.scale;
    }
    logits = logits.defined() ? logits + x : x;
  }
  const Tensor hidden = logical_not(seen.to(DType::boolean));
  Logits result{.weights = softmax(masked_fill(logits, hidden, -INFINITY), -1), .mean = {}, .unbiased = {}};
  if (!means.empty()) {
    result.mean = concat(means);
    result.unbiased = concat(variances) * (count / std::max(count - 1, 1.0));
  }
  return result;
}

}  // namespace

TensorList axial_reference(const AxialInputs& in, const AxialTerms& terms) {
  const AxialShape shape = axial_shape(in.qkv.shape(), in.relative.size(1), terms);
  const DType dtype = statistics_dtype(in.qkv.dtype());
  const Parts parts = split_parts(cast(in.qkv, dtype), cast(in.relative, dtype), shape, terms.axis);
  const Logits logits = attend(in, parts, shape);
  const Tensor weights = reshape(logits.weights, {shape.pairs(), shape.length, shape.length});
  std::vector<Tensor> outputs;
  if (shape.value_content) {
    outputs.push_back(matmul(weights, parts.v));
  }
  if (shape.value_position) {
    const Tensor x = matmul(transpose(weights, 0, 1), permute(parts.value_table, {1, 2, 0}));  // [i, pairs, channel]
    outputs.push_back(transpose(x, 0, 1));
  }
  const Tensor by_head =
      reshape(stack(outputs, -1), {shape.rows(), shape.heads, shape.length, shape.value_dim * shape.values()});
  const Tensor lines = reshape(transpose(by_head, 1, 2), {shape.samples, shape.lines, shape.length,
                                                          shape.heads * shape.value_dim * shape.values()});
  const Tensor out = cast(terms.axis == ImageAxis::height ? transpose(lines, 1, 2) : lines, in.qkv.dtype());
  if (!logits.mean.defined()) {
    return {out};
  }
  return {out, logits.mean, logits.unbiased};
}

Tensor axial_attention_weights(const Tensor& qkv, const Tensor& relative, const Tensor& weight,
                               const Tensor& running_mean, const Tensor& running_var,
                               const AxialAttentionOptions& options) {
  const AxialShape shape = axial_shape(qkv.shape(), relative.size(1), options.terms);
  const DType dtype = statistics_dtype(qkv.dtype());
  const Parts parts = split_parts(cast(qkv, dtype), cast(relative, dtype), shape, options.terms.axis);
  const Logits logits = attend({.qkv = qkv,
                                .relative = relative,
                                .weight = weight,
                                .bias = {},
                                .mean = running_mean,
                                .variance = running_var,
                                .scale = options.scale,
                                .eps = options.eps},
                               parts, shape);
  return reshape(logits.weights, {shape.samples, shape.lines, shape.heads, shape.length, shape.length});
}

}  // namespace lv::ops
