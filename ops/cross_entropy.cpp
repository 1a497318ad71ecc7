#include <cmath>

#include "autograd/basic_ops.h"
#include "kernels/cross_entropy.h"
#include "ops/losses_definitions.h"
#include "ops/norm_support.h"
#include "ops/tabulate.h"

namespace lv::ops {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using autograd::unpack;
using kernels::cref;
using kernels::ref;

namespace {

Shape leading(const Shape& shape) {
  Shape outer = shape;
  outer.erase(shape.rank() - 1);
  return outer;
}

bool has_labels(const Tensor& target) { return target.dtype() == DType::i64; }

/// Throws for the first label that is no class; on the host only.
void check_labels(const Tensor& labels, int64_t classes, int64_t ignore_index) {
  if (labels.device().is_cuda()) {
    return;
  }
  const int64_t* values = labels.data<int64_t>();
  for (int64_t row = 0; row < labels.numel(); ++row) {
    LV_CHECK((values[row] >= 0 && values[row] < classes) || values[row] == ignore_index,
             "cross_entropy: labels must be in [0, {}) or ignore_index {}, row {} has {} (labels {})", classes,
             ignore_index, row, values[row], labels.shape());
  }
}

/// The tensors behind a kernel's borrowed views.
struct Operands {
  Tensor logits;
  Tensor target;
  Tensor weight;

  Operands(const Context& ctx, const Tensor& logits_in, const Tensor& target_in, const Tensor& weight_in)
      : logits(as_rows(ctx, logits_in)),
        target(has_labels(target_in) ? ctx.dense(target_in) : as_rows(ctx, target_in)),
        weight(weight_in) {}

  [[nodiscard]] kernels::CrossEntropyInputs refs(const CrossEntropyOptions& options) const {
    const bool is_label = has_labels(target);
    return {.logits = cref(logits),
            .labels = cref(is_label ? target : Tensor()),
            .targets = cref(is_label ? Tensor() : target),
            .weight = cref(weight),
            .smoothing = options.label_smoothing,
            .ignore_index = options.ignore_index};
  }
};

}  // namespace

OutputSpecs CrossEntropy::infer(Inputs in, const Options& options) {
  const auto& [logits, target, weight] = unpack<3>(in);
  LV_CHECK_DTYPE(is_floating(logits.dtype()), "cross_entropy: logits must be of a floating dtype, got {}",
                 logits.dtype());
  LV_CHECK_SHAPE(logits.rank() >= 1 && logits.size(-1) > 0, "cross_entropy: logits must be [..., K], K > 0, got {}",
                 logits.shape());
  const Shape rows = leading(logits.shape());
  if (has_labels(target)) {
    LV_CHECK_SHAPE(target.shape() == rows, "cross_entropy: labels must be {}, got {} (logits {})", rows, target.shape(),
                   logits.shape());
  } else {
    LV_CHECK_DTYPE(
        target.dtype() == logits.dtype(),
        "cross_entropy: target must be i64 labels or distributions in {} as logits, got {}; cast one of them",
        logits.dtype(), target.dtype());
    LV_CHECK_SHAPE(target.shape() == logits.shape(), "cross_entropy: distributions must be {} as logits, got {}",
                   logits.shape(), target.shape());
  }
  check_parameter(kName, "weight", weight, logits, {logits.size(-1)});
  LV_CHECK(options.label_smoothing >= 0 && options.label_smoothing <= 1,
           "cross_entropy: label_smoothing must be in [0, 1], got {}", options.label_smoothing);
  return {{options.reduction == Reduction::none ? rows : Shape{}, logits.dtype()}};
}

TensorList CrossEntropy::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [logits, target, weight] = unpack<3>(in);
  const DType dtype = statistics_dtype(logits.dtype());
  const Tensor gain = parameter_as(ctx, weight, dtype);
  const Operands operands(ctx, logits, target, gain);
  if (has_labels(target)) {
    check_labels(operands.target, logits.size(-1), options.ignore_index);
  }
  const int64_t rows = operands.logits.size(0);
  const int64_t chunk_rows = kernels::loss_chunk_rows(logits.size(-1));
  const bool is_reduced = options.reduction != Reduction::none;
  const Tensor normalizers = ctx.new_empty({rows, 2}, dtype);
  const Tensor losses = ctx.new_empty(is_reduced ? Shape{rows} : ctx.output_spec().shape, dtype);
  const Tensor partials = ctx.new_empty({is_reduced ? (rows + chunk_rows - 1) / chunk_rows : 0, 2}, dtype);
  const Tensor total = is_reduced ? ctx.new_empty({2}, dtype) : Tensor();
  kernels::cross_entropy({.in = operands.refs(options),
                          .is_mean = options.reduction == Reduction::mean,
                          .normalizers = ref(normalizers),
                          .row_losses = ref(losses),
                          .partials = ref(partials),
                          .total = ref(total)},
                         ctx.stream());
  ctx.save(logits);
  ctx.save(target);
  ctx.save(gain);
  ctx.save(normalizers);
  ctx.save(total);
  return {autograd::cast(is_reduced ? total.select(0, 0) : losses, logits.dtype())};
}

TensorList CrossEntropy::backward(Context& ctx, Inputs grads, const Options& options) {
  const Operands operands(ctx, ctx.saved(0), ctx.saved(1), ctx.saved(2));
  const int64_t rows = operands.logits.size(0);
  const Tensor grad_loss =
      options.reduction == Reduction::none ? ctx.dense(grads[0]).view({rows}) : grads[0].expand({rows});
  const Tensor total = ctx.saved(4);
  TensorList result(ctx.input_count());
  for (int i = 0; i <= 1; ++i) {
    result[i] = ctx.needs_grad(i) ? ctx.new_grad(i) : Tensor();
  }
  kernels::cross_entropy_grad({.in = operands.refs(options),
                               .normalizers = cref(ctx.saved(3)),
                               .grad_loss = cref(grad_loss),
                               .divisor = cref(options.reduction == Reduction::mean ? total.select(0, 1) : Tensor()),
                               .grad_logits = ref(result[0]),
                               .grad_targets = ref(result[1])},
                              ctx.stream());
  return result;
}

TensorList CrossEntropy::reference(Inputs in, const Options& options) {
  const auto& [logits, target, weight] = unpack<3>(in);
  const int64_t classes = logits.size(-1);
  const std::vector<double> x = on_host_f64(logits).to_vector<double>();
  const std::vector<double> t = on_host_f64(target).to_vector<double>();
  const std::vector<double> w =
      weight.defined() ? on_host_f64(weight).to_vector<double>() : std::vector<double>(size_t(classes), 1.0);
  std::vector<double> losses;
  double sum = 0;
  double divisor = 0;
  for (size_t row = 0; row < x.size() / size_t(classes); ++row) {
    const bool is_ignored = has_labels(target) && int64_t(t[row]) == options.ignore_index;
    const double* own = &x[row * size_t(classes)];
    double partition = 0;
    double loss = 0;
    for (int64_t c = 0; c < classes; ++c) {
      partition += std::exp(own[c]);
    }
    for (int64_t c = 0; c < classes && !is_ignored; ++c) {
      const double share = has_labels(target) ? double(int64_t(t[row]) == c) : t[row * size_t(classes) + size_t(c)];
      const double mixed = (1 - options.label_smoothing) * share + options.label_smoothing / double(classes);
      loss -= w[size_t(c)] * mixed * (own[c] - std::log(partition));
    }
    losses.push_back(loss);
    sum += loss;
    divisor += has_labels(target) ? (is_ignored ? 0 : w[size_t(t[row])]) : 1;
  }
  if (options.reduction == Reduction::none) {
    return {Tensor::from(losses, leading(logits.shape())).to(logits.dtype())};
  }
  return {Tensor::scalar(options.reduction == Reduction::mean ? sum / divisor : sum, logits.dtype())};
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& options) {
  return cross_entropy(logits, target, Tensor(), options);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target, const Tensor& weight,
                     const CrossEntropyOptions& options) {
  return autograd::apply<CrossEntropy>({logits, target, weight}, options)[0];
}

}  // namespace lv::ops
