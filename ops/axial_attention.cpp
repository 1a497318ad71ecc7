#include "ops/axial_attention.h"

#include "autograd/basic_ops.h"
#include "kernels/axial_attention.h"
#include "kernels/batch_norm.h"
#include "ops/axial_reference.h"
#include "ops/norm_support.h"

namespace lv::ops {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using autograd::unpack;
using kernels::AxialShape;
using kernels::cref;
using kernels::ref;

namespace {

constexpr int64_t kMaxAxialDim = 128;

/// The view [N, lines, length, channels] of an image.
Tensor as_axis_lines(const Tensor& image, ImageAxis axis) {
  return axis == ImageAxis::height ? image.transpose(1, 2) : image;
}

/// `image` with contiguous channels, as lines.
Tensor dense_lines(const Context& ctx, const Tensor& image, ImageAxis axis) {
  return as_axis_lines(image.strides()[3] == 1 || image.size(3) == 1 ? image : ctx.dense(image), axis);
}

bool takes_batch(const Tensor& weight, const Tensor& mean) { return weight.defined() && !mean.defined(); }

void check_statistics(const Tensor& qkv, const Tensor& weight, const Tensor& bias, const Tensor& mean,
                      const Tensor& variance, const AxialShape& shape) {
  const Shape wanted{shape.term_count() * shape.heads};
  check_parameter(AxialAttention::kName, "weight", weight, qkv, wanted);
  check_parameter(AxialAttention::kName, "bias", bias, qkv, wanted);
  check_parameter(AxialAttention::kName, "running_mean", mean, qkv, wanted);
  check_parameter(AxialAttention::kName, "running_var", variance, qkv, wanted);
  LV_CHECK_SHAPE(mean.defined() == variance.defined() && (weight.defined() || (!bias.defined() && !mean.defined())),
                 "{}: mean and variance go together, and with weight; so does bias (qkv {})", AxialAttention::kName,
                 qkv.shape());
  LV_CHECK_SHAPE(!takes_batch(weight, mean) || shape.rows() * shape.line_pairs() != 1,
                 "{}: training needs more than one logit per head (qkv {})", AxialAttention::kName, qkv.shape());
}

kernels::AxialNorm norm_of(const Tensor& weight, const Tensor& moments, const AxialAttention::Options& options) {
  return {.weight = cref(weight), .moments = cref(moments), .eps = options.eps, .scale = options.scale};
}

/// Means and variances of all terms, [2, terms * heads] in f64.
Tensor given_moments(const Context& ctx, const Tensor& mean, const Tensor& variance) {
  const Tensor moments = ctx.new_empty({2, mean.size(0)}, DType::f64);
  moments.select(0, 0).copy_from(mean);
  moments.select(0, 1).copy_from(variance);
  return moments;
}

}  // namespace

OutputSpecs AxialAttention::infer(Inputs in, const Options& options) {
  const auto& [qkv, relative, weight, bias, mean, variance] = unpack<6>(in);
  const AxialTerms& terms = options.terms;
  LV_CHECK_DTYPE(is_floating(qkv.dtype()), "{}: qkv must be of a floating dtype, got {}", kName, qkv.dtype());
  LV_CHECK(qkv.device().is_cpu(), "{}: has no kernel for {}", kName, qkv.device());
  LV_CHECK_SHAPE(qkv.rank() == 4 && terms.heads > 0 && terms.heads <= kMaxAxialDim && qkv.size(3) % terms.heads == 0,
                 "{}: wants qkv [N, H, W, heads (2 d + e)] with {} heads, 128 at most, got {}", kName, terms.heads,
                 qkv.shape());
  const AxialShape shape = axial_shape(qkv.shape(), relative.size(-1), terms);
  LV_CHECK_SHAPE(shape.dim > 0 && shape.dim <= kMaxAxialDim && shape.value_dim > 0 && shape.value_dim <= kMaxAxialDim,
                 "{}: d and e must be in 1 .. {}, got {} and {} (qkv {})", kName, kMaxAxialDim, shape.dim,
                 shape.value_dim, qkv.shape());
  LV_CHECK(shape.term_count() > 0 && shape.values() > 0, "{}: needs a term of the logits and one of the output", kName);
  LV_CHECK_SHAPE(terms.span.value_or(1) % 2 == 1 && terms.span.value_or(1) > 0, "{}: span must be odd, got {} (qkv {})",
                 kName, terms.span.value_or(1), qkv.shape());
  LV_CHECK_SHAPE(relative.rank() == 2 && relative.size(0) == shape.head_channels() && relative.size(1) % 2 == 1 &&
                     shape.table_center >= std::min(shape.reach, shape.length - 1),
                 "{}: relative must be [{}, 2 M - 1] with M at least {}, got {} (qkv {})", kName, shape.head_channels(),
                 std::min(shape.reach, shape.length - 1) + 1, relative.shape(), qkv.shape());
  check_parameter(kName, "relative", relative, qkv, relative.shape());
  check_statistics(qkv, weight, bias, mean, variance, shape);
  Shape out = qkv.shape();
  out[3] = shape.heads * shape.value_dim * shape.values();
  if (!takes_batch(weight, mean)) {
    return {{out, qkv.dtype()}};
  }
  const Shape statistics{shape.term_count() * shape.heads};
  return {{out, qkv.dtype()}, {statistics, statistics_dtype(qkv.dtype())}, {statistics, statistics_dtype(qkv.dtype())}};
}

TensorList AxialAttention::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [qkv, relative, given_weight, bias, mean, variance] = unpack<6>(in);
  const AxialShape shape = axial_shape(qkv.shape(), relative.size(-1), options.terms);
  const DType dtype = statistics_dtype(qkv.dtype());
  const int64_t places = kernels::axial_padded_pairs(shape.pairs()) * shape.length;
  const Tensor table = parameter_as(ctx, relative, dtype);
  const Tensor weight = parameter_as(ctx, given_weight, DType::f64);
  const Tensor packed = ctx.new_empty(
      {kernels::axial_padded_pairs(shape.pairs()) * kernels::axial_positions(shape.length) * shape.head_channels()},
      dtype);
  const bool measures = takes_batch(weight, mean);
  TensorList outputs{ctx.new_output(0)};
  Tensor moments;
  Tensor grams;
  if (measures) {
    outputs.push_back(ctx.new_output(1));
    outputs.push_back(ctx.new_output(2));
    ctx.non_differentiable(1);
    ctx.non_differentiable(2);
    moments = Tensor::zeros({2, shape.term_count() * shape.heads}, DType::f64, qkv.device());
    grams = ctx.new_empty({2, shape.length, shape.heads, shape.dim + 1, shape.dim}, DType::f64);
  } else if (weight.defined()) {
    moments = given_moments(ctx, mean, variance);
  }
  const Tensor lse = ctx.is_recorded() ? ctx.new_empty({places}, dtype) : Tensor();
  if (qkv.numel() > 0) {
    kernels::cpu::axial_pack(
        {.qkv = cref(dense_lines(ctx, qkv, options.terms.axis)), .packed = ref(packed), .shape = shape});
    if (measures) {
      kernels::cpu::axial_moments({.packed = cref(packed),
                                   .table = cref(table),
                                   .moments = ref(moments),
                                   .mean = ref(outputs[1]),
                                   .unbiased = ref(outputs[2]),
                                   .grams = ref(grams),
                                   .shape = shape});
    }
    kernels::cpu::axial_attention({.packed = cref(packed),
                                   .table = cref(table),
                                   .norm = norm_of(weight, moments, options),
                                   .out = ref(as_axis_lines(outputs[0], options.terms.axis)),
                                   .lse = ref(lse),
                                   .shape = shape});
  } else if (measures) {
    outputs[1].fill(0);
    outputs[2].fill(0);
  }
  for (const Tensor& tensor : {packed, table, weight, moments, grams, lse}) {
    ctx.save(tensor);
  }
  ctx.save_output(outputs[0]);
  return outputs;
}

TensorList AxialAttention::backward(Context& ctx, Inputs grads, const Options& options) {
  const Tensor packed = ctx.saved(0);
  const Tensor table = ctx.saved(1);
  const Tensor weight = ctx.saved(2);
  const Tensor grams = ctx.saved(4);
  const AxialShape shape = axial_shape(ctx.input_shape(0), table.size(1), options.terms);
  const Tensor grad_qkv = ctx.new_grad(0);
  const Tensor grad_table = Tensor::zeros(table.shape(), table.dtype(), table.device());
  const Tensor grad_weight = weight.defined() ? Tensor::zeros(weight.shape(), table.dtype(), table.device()) : Tensor();
  if (grad_qkv.numel() > 0) {
    const kernels::AxialNorm norm = norm_of(weight, ctx.saved(3), options);
    const int64_t table_size = shape.head_channels() * (2 * shape.length - 1);
    const Tensor packed_grad = ctx.new_empty(packed.shape(), packed.dtype());
    const Tensor sums = ctx.new_empty({3, shape.heads}, DType::f64);
    const Tensor table_sums = ctx.new_empty({table_size}, DType::f64);
    const Tensor parts = ctx.new_empty({kernels::axial_parts(shape.heads), table_size + 3 * shape.heads}, DType::f64);
    kernels::cpu::axial_attention_backward({.grad = cref(dense_lines(ctx, grads[0], options.terms.axis)),
                                            .out = cref(as_axis_lines(ctx.saved(6), options.terms.axis)),
                                            .packed = cref(packed),
                                            .table = cref(table),
                                            .lse = cref(ctx.saved(5)),
                                            .norm = norm,
                                            .packed_grad = ref(packed_grad),
                                            .sums = ref(sums),
                                            .table_grad = ref(table_sums),
                                            .parts = ref(parts),
                                            .shape = shape});
    kernels::cpu::axial_attention_finish({.packed = cref(packed),
                                          .table = cref(table),
                                          .sums = cref(sums),
                                          .table_grad = cref(table_sums),
                                          .grams = cref(grams),
                                          .norm = norm,
                                          .packed_grad = ref(packed_grad),
                                          .grad_qkv = ref(as_axis_lines(grad_qkv, options.terms.axis)),
                                          .grad_table = ref(grad_table),
                                          .grad_weight = ref(grad_weight),
                                          .shape = shape});
  }
  TensorList result(ctx.input_count());
  const TensorList all{grad_qkv, grad_table, grad_weight};
  for (int i = 0; i < all.size(); ++i) {
    if (i < ctx.input_count() && ctx.needs_grad(i)) {
      result[i] = autograd::cast(all[i], ctx.input_dtype(i));
    }
  }
  if (ctx.input_count() > 3 && ctx.needs_grad(3)) {
    result[3] = Tensor::zeros(ctx.input_shape(3), ctx.input_dtype(3), table.device());
  }
  return result;
}

TensorList AxialAttention::reference(Inputs in, const Options& options) {
  const auto& [qkv, relative, weight, bias, mean, variance] = unpack<6>(in);
  return axial_reference({.qkv = qkv,
                          .relative = relative,
                          .weight = weight,
                          .bias = bias,
                          .mean = mean,
                          .variance = variance,
                          .scale = options.scale,
                          .eps = options.eps},
                         options.terms);
}

Tensor axial_attention(const Tensor& qkv, const Tensor& relative, const Tensor& weight, const Tensor& bias,
                       const Tensor& running_mean, const Tensor& running_var, const AxialAttentionOptions& options) {
  const AxialAttention::Options op_options{.terms = options.terms, .scale = options.scale, .eps = options.eps};
  if (!options.training || !weight.defined()) {
    return autograd::apply<AxialAttention>({qkv, relative, weight, bias, running_mean, running_var}, op_options)[0];
  }
  const TensorList result = autograd::apply<AxialAttention>({qkv, relative, weight, bias}, op_options);
  if (running_mean.defined() && qkv.numel() > 0 && !autograd::is_recomputing()) {
    const Shape one_group{1, running_mean.size(0)};
    kernels::batch_norm_update({.mean = cref(result[1].view(one_group)),
                                .variance = cref(result[2].view(one_group)),
                                .momentum = options.momentum,
                                .running_mean = ref(running_mean),
                                .running_var = ref(running_var)},
                               current_stream(qkv.device()));
    running_mean.bump_version();
    running_var.bump_version();
  }
  return result[0];
}

}  // namespace lv::ops
