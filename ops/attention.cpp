#include "ops/attention.h"

#include <cmath>

#include "autograd/basic_ops.h"
#include "kernels/attention.h"
#include "kernels/strided.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/shape.h"
#include "ops/softmax.h"

namespace lv::ops {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using autograd::unpack;
using kernels::AttentionShape;
using kernels::cref;
using kernels::ref;

namespace {

AttentionShape shape_of(const Shape& q, const Shape& v, const AttentionOptions& options) {
  return {.batch = q[0],
          .queries = q[1],
          .keys = v[1],
          .heads = q[2],
          .dim = q[3],
          .value_dim = v[3],
          .scale = options.scale.value_or(1.0 / std::sqrt(double(q[3]))),
          .is_causal = options.is_causal};
}

Shape logits_shape(const AttentionShape& shape) { return {shape.batch, shape.heads, shape.queries, shape.keys}; }

kernels::AttentionTerms terms_of(const Tensor& bias, const Tensor& mask, const AttentionShape& shape) {
  kernels::AttentionTerms terms;
  if (bias.defined()) {
    terms.bias = kernels::expanded(cref(bias), logits_shape(shape));
  }
  if (mask.defined()) {
    terms.mask = kernels::expanded(cref(mask), logits_shape(shape));
  }
  return terms;
}

DType compute_type(DType dtype) { return dtype == DType::f64 ? DType::f64 : DType::f32; }

/// `x` with contiguous channels: itself where it has them, as parts of a packed projection do.
Tensor with_dense_channels(Context& ctx, const Tensor& x) { return x.strides()[3] == 1 ? x : ctx.dense(x); }

void check_term(std::string_view name, const Tensor& term, const AttentionShape& shape) {
  LV_CHECK_SHAPE(!term.defined() || (term.rank() <= 4 && broadcast_shapes(term.shape(), logits_shape(shape),
                                                                          Attention::kName) == logits_shape(shape)),
                 "{}: {} must broadcast to [B, H, Lq, Lk] = {}, got {}", Attention::kName, name, logits_shape(shape),
                 term.shape());
}

}  // namespace

OutputSpecs Attention::infer(Inputs in, const Options& options) {
  const auto& [q, k, v, bias, mask] = unpack<5>(in);
  LV_CHECK_SHAPE(q.rank() == 4 && k.rank() == 4 && v.rank() == 4 &&
                     k.shape() == Shape({q.size(0), k.size(1), q.size(2), q.size(3)}) &&
                     v.shape() == Shape({q.size(0), k.size(1), q.size(2), v.size(3)}),
                 "{}: wants q [B, Lq, H, D], k [B, Lk, H, D], v [B, Lk, H, Dv], got q {}, k {}, v {}", kName, q.shape(),
                 k.shape(), v.shape());
  LV_CHECK_SHAPE(std::max(q.size(3), v.size(3)) <= kernels::kMaxAttentionDim,
                 "{}: D and Dv must be at most {}, got q {}, v {}", kName, kernels::kMaxAttentionDim, q.shape(),
                 v.shape());
  LV_CHECK_DTYPE(is_floating(q.dtype()) && q.dtype() == k.dtype() && q.dtype() == v.dtype() &&
                     (!bias.defined() || bias.dtype() == q.dtype()),
                 "{}: dtypes differ or are not floating: q {}, k {}, v {}; cast them", kName, q.dtype(), k.dtype(),
                 v.dtype());
  LV_CHECK_DTYPE(!mask.defined() || mask.dtype() == DType::boolean, "{}: mask must be bool, got {}", kName,
                 mask.dtype());
  const AttentionShape shape = shape_of(q.shape(), v.shape(), options.attention);
  check_term("bias", bias, shape);
  check_term("mask", mask, shape);
  return {{{shape.batch, shape.queries, shape.heads, shape.value_dim}, q.dtype()},
          {{shape.batch, shape.heads, shape.queries}, compute_type(q.dtype())}};
}

TensorList Attention::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [given_q, given_k, given_v, bias, mask] = unpack<5>(in);
  const Tensor q = with_dense_channels(ctx, given_q);
  const Tensor k = with_dense_channels(ctx, given_k);
  const Tensor v = with_dense_channels(ctx, given_v);
  const AttentionShape shape = shape_of(q.shape(), v.shape(), options.attention);
  const Tensor o = ctx.new_output(0);
  const Tensor lse = ctx.new_output(1);
  kernels::attention({.q = cref(q),
                      .k = cref(k),
                      .v = cref(v),
                      .terms = terms_of(bias, mask, shape),
                      .o = ref(o),
                      .lse = ref(lse),
                      .shape = shape},
                     ctx.stream());
  for (const Tensor& tensor : {q, k, v, bias, mask}) {
    ctx.save(tensor);
  }
  ctx.save_output(o, 0);
  ctx.save(lse);
  ctx.non_differentiable(1);
  return {o, lse};
}

TensorList Attention::backward(Context& ctx, Inputs grads, const Options& options) {
  const Tensor q = ctx.saved(0);
  const Tensor k = ctx.saved(1);
  const Tensor v = ctx.saved(2);
  const Tensor bias = ctx.saved(3);
  const Tensor o = ctx.saved(5);
  const Tensor lse = ctx.saved(6);
  const Tensor grad = ctx.dense(grads[0]);
  const AttentionShape shape = shape_of(q.shape(), v.shape(), options.attention);
  const auto wanted = [&](int input) { return ctx.needs_grad(input) ? ctx.new_grad(input) : Tensor{}; };
  const bool wants_bias = ctx.input_count() > 3 && ctx.needs_grad(3);
  const Tensor dq = wanted(0);
  const Tensor dk = wanted(1);
  const Tensor dv = wanted(2);
  const Tensor dbias = wants_bias ? ctx.new_empty(logits_shape(shape), q.dtype()) : Tensor{};
  const Tensor delta = q.device().is_cpu() ? Tensor{} : ctx.new_empty(lse.shape(), lse.dtype());
  kernels::attention_backward({.grad = cref(grad),
                               .q = cref(q),
                               .k = cref(k),
                               .v = cref(v),
                               .o = cref(o),
                               .lse = cref(lse),
                               .terms = terms_of(bias, ctx.saved(4), shape),
                               .dq = ref(dq),
                               .dk = ref(dk),
                               .dv = ref(dv),
                               .dbias = ref(dbias),
                               .delta = ref(delta),
                               .shape = shape},
                              ctx.stream());
  TensorList result(ctx.input_count());
  result[0] = dq;
  result[1] = dk;
  result[2] = dv;
  if (wants_bias) {
    result[3] = autograd::sum_to(dbias, bias.shape());
  }
  return result;
}

TensorList Attention::reference(Inputs in, const Options& options) {
  const auto& [q, k, v, bias, mask] = unpack<5>(in);
  const AttentionShape shape = shape_of(q.shape(), v.shape(), options.attention);
  const auto heads_first = [](const Tensor& x) { return permute(x, {0, 2, 1, 3}); };
  Tensor logits = matmul(heads_first(q), transpose(heads_first(k), -1, -2)) * shape.scale;
  if (bias.defined()) {
    logits = logits + bias;
  }
  Tensor hidden = Tensor::zeros({shape.queries, shape.keys}, DType::boolean);
  for (int64_t i = 0; i < shape.queries && shape.is_causal; ++i) {
    hidden.slice(0, i, i + 1).slice(1, std::min(i + 1, shape.keys), shape.keys).fill(1);
  }
  hidden = hidden.to(q.device());
  logits = masked_fill(logits, mask.defined() ? logical_or(hidden, logical_not(mask)) : hidden, -INFINITY);
  const Tensor o = heads_first(matmul(softmax(logits, -1), heads_first(v)));
  const Tensor values = logits.detach().to(Device::cpu()).to(DType::f64).contiguous();
  const Tensor lse = Tensor::zeros({shape.batch, shape.heads, shape.queries}, DType::f64);
  for (int64_t i = 0; i < values.numel(); ++i) {
    lse.data<double>()[i / shape.keys] += std::exp(values.data<double>()[i]);
  }
  for (int64_t i = 0; i < lse.numel(); ++i) {
    lse.data<double>()[i] = std::log(lse.data<double>()[i]);
  }
  return {o, lse.to(compute_type(q.dtype()))};
}

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
                                    const Tensor& bias, const Tensor& mask) {
  return autograd::apply<Attention>({q, k, v, bias, mask}, {options})[0];
}

}  // namespace lv::ops
