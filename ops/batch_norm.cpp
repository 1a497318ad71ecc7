#include "kernels/batch_norm.h"
#include "autograd/checkpoint.h"
#include "kernels/channel_norm.h"
#include "kernels/copy.h"
#include "ops/elementwise.h"
#include "ops/norm_definitions.h"
#include "ops/norm_support.h"
#include "ops/reduce.h"
#include "ops/shape.h"

namespace lv::ops {

using autograd::apply;
using autograd::cast;
using autograd::unpack;
using kernels::cref;
using kernels::ref;
using kernels::ReluMask;

namespace {

bool is_global(const BatchNorm::Options& options) {
  return options.communicator != nullptr && options.communicator->size() > 1;
}

void copy_to(const Tensor& x, const Tensor& y) {
  kernels::copy({.x = cref(x), .y = ref(y)}, current_stream(x.device()));
}

/// Replaces this process's moments by those of all processes and returns the number of values behind them, [1]. Every
/// rank fills its own row of a table of zeros; the sum of the tables is the table of all ranks.
Tensor join_moments(const Context& ctx, Communicator& communicator, const Tensor& mean, const Tensor& variance,
                    int64_t count) {
  const int64_t size = mean.numel();
  const Tensor parts = Tensor::zeros({communicator.size(), 2 * size + 1}, mean.dtype(), mean.device());
  const Tensor own = parts.select(0, communicator.rank());
  copy_to(mean.view({size}), own.slice(0, 0, size));
  copy_to(variance.view({size}), own.slice(0, size, 2 * size));
  own.slice(0, 2 * size, 2 * size + 1).fill(double(count));
  communicator.all_reduce_sum(parts);
  const Tensor total = ctx.new_empty({1}, mean.dtype());
  kernels::batch_norm_join({.parts = cref(parts), .mean = ref(mean), .variance = ref(variance), .total = ref(total)},
                           ctx.stream());
  return total;
}

/// Mean and biased variance of the batch, [groups, C], and the number of values where it is not that of the rows: [1].
TensorList measure(const Context& ctx, const Tensor& rows, const BatchNorm::Options& options) {
  const int64_t channels = rows.size(1);
  const int64_t group_rows = rows.size(0) / options.stat_groups;
  const DType dtype = statistics_dtype(rows.dtype());
  const Tensor mean = ctx.new_empty({options.stat_groups, channels}, dtype);
  const Tensor variance = ctx.new_empty({options.stat_groups, channels}, dtype);
  const int64_t chunks = kernels::channel_chunks(group_rows, channels);
  const Tensor partials = ctx.new_empty({options.stat_groups, chunks, 3, channels}, dtype);
  kernels::channel_moments({.x = cref(rows), .partials = ref(partials), .mean = ref(mean), .variance = ref(variance)},
                           ctx.stream());
  const Tensor total =
      is_global(options) ? join_moments(ctx, *options.communicator, mean, variance, group_rows) : Tensor();
  return {mean, variance, total};
}

/// As measure(); in a checkpointed segment that runs again, the first run's, since the other processes are not there.
TensorList batch_statistics(const Context& ctx, const Tensor& rows, const BatchNorm::Options& options) {
  const auto make = [&] { return measure(ctx, rows, options); };
  autograd::CheckpointSegment* segment = autograd::CheckpointSegment::active();
  return segment != nullptr ? segment->make_once(make) : make();
}

/// Which of the saved tensors tells where the ReLU was open: x itself unless a residual was added.
ReluMask relu_mask(const BatchNorm::Options& options, bool has_residual) {
  if (!options.relu) {
    return ReluMask::none;
  }
  return has_residual ? ReluMask::output : ReluMask::input;
}

bool has_residual(const Context& ctx) { return ctx.input_count() > 3 && ctx.input_shape(3).rank() != 0; }

/// y from x as [rows, C]; coefficients: those of the kernel, [3, groups, C].
Tensor normalize(const Context& ctx, const Tensor& rows, const Tensor& mean, const Tensor& coefficients,
                 const Tensor& residual, bool relu) {
  const Tensor y = ctx.new_output();
  kernels::channel_affine({.x = cref(rows),
                           .mean = cref(mean),
                           .scale = cref(coefficients.select(0, 1)),
                           .offset = cref(coefficients.select(0, 2)),
                           .residual = residual.defined() ? cref(as_rows(ctx, residual)) : kernels::ConstTensorRef{},
                           .y = ref(as_rows(ctx, y)),
                           .relu = relu},
                          ctx.stream());
  return y;
}

void check_activation(const Tensor& x) {
  LV_CHECK_DTYPE(is_floating(x.dtype()), "batch_norm: x must be of a floating dtype, got {}", x.dtype());
  LV_CHECK_SHAPE(x.rank() >= 2, "batch_norm: x must be [N, ..., C], got {}", x.shape());
}

void check_statistics(const Tensor& x, const Tensor& mean, const Tensor& variance, const BatchNorm::Options& options) {
  LV_CHECK_SHAPE(mean.defined() == variance.defined(), "batch_norm: mean and variance go together (x {})", x.shape());
  if (mean.defined()) {
    LV_CHECK_SHAPE(options.stat_groups == 1, "batch_norm: given statistics are of one group, got stat_groups {} (x {})",
                   options.stat_groups, x.shape());
    return;
  }
  LV_CHECK_SHAPE(options.stat_groups >= 1 && x.size(0) % options.stat_groups == 0,
                 "batch_norm: stat_groups must divide the first axis, got {} (x {})", options.stat_groups, x.shape());
  LV_CHECK_SHAPE(row_count(x.shape()) != options.stat_groups || is_global(options),
                 "batch_norm: training needs more than one value per channel and group (x {}, stat_groups {})",
                 x.shape(), options.stat_groups);
}

}  // namespace

OutputSpecs BatchNorm::infer(Inputs in, const Options& options) {
  const auto& [x, weight, bias, residual, mean, variance] = unpack<6>(in);
  check_activation(x);
  const Shape channels{x.size(-1)};
  check_parameter(kName, "weight", weight, x, channels);
  check_parameter(kName, "bias", bias, x, channels);
  check_parameter(kName, "running_mean", mean, x, channels);
  check_parameter(kName, "running_var", variance, x, channels);
  if (residual.defined()) {
    LV_CHECK_SHAPE(residual.shape() == x.shape(), "batch_norm: residual must have x's shape {}, got {}", x.shape(),
                   residual.shape());
    LV_CHECK_DTYPE(residual.dtype() == x.dtype(), "batch_norm: dtypes differ: residual {} and x {}; cast one of them",
                   residual.dtype(), x.dtype());
  }
  check_statistics(x, mean, variance, options);
  if (mean.defined()) {
    return {{x.shape(), x.dtype()}};
  }
  const Shape statistics{options.stat_groups, x.size(-1)};
  return {{x.shape(), x.dtype()}, {statistics, statistics_dtype(x.dtype())}, {statistics, statistics_dtype(x.dtype())}};
}

TensorList BatchNorm::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [x, weight, bias, residual, given_mean, given_variance] = unpack<6>(in);
  const DType dtype = statistics_dtype(x.dtype());
  const Shape statistics{options.stat_groups, x.size(-1)};
  const Tensor rows = as_rows(ctx, x);
  const bool takes_batch = !given_mean.defined();
  const TensorList moments = takes_batch ? batch_statistics(ctx, rows, options)
                                         : TensorList{parameter_as(ctx, given_mean, dtype),
                                                      parameter_as(ctx, given_variance, dtype), Tensor()};
  const Tensor mean = moments[0].view(statistics);
  const Tensor& total = moments[2];
  const Tensor unbiased = takes_batch ? ctx.new_output(2) : Tensor();
  const Tensor coefficients = ctx.new_empty({3, options.stat_groups, x.size(-1)}, dtype);
  const int64_t group_rows = rows.size(0) / options.stat_groups;
  kernels::batch_norm_coefficients({.variance = cref(moments[1].view(statistics)),
                                    .weight = cref(parameter_as(ctx, weight, dtype)),
                                    .bias = cref(parameter_as(ctx, bias, dtype)),
                                    .eps = options.eps,
                                    .count = {.count = double(group_rows), .total = cref(total)},
                                    .coefficients = ref(coefficients),
                                    .unbiased = ref(unbiased)},
                                   ctx.stream());
  const Tensor y = normalize(ctx, rows, mean, coefficients, residual, options.relu);
  ctx.save(x);
  ctx.save(mean);
  ctx.save(coefficients);
  ctx.save(total);
  ctx.save_output(relu_mask(options, residual.defined()) == ReluMask::output ? y : Tensor());
  if (!takes_batch) {
    return {y};
  }
  ctx.non_differentiable(1);
  ctx.non_differentiable(2);
  return {y, mean, unbiased};
}

namespace {

/// What backward works on.
struct Saved {
  Saved(Context& ctx, const Tensor& grad, const BatchNorm::Options& options)
      : x(as_rows(ctx, ctx.saved(0))),
        mean(ctx.saved(1)),
        coefficients(ctx.saved(2)),
        total(ctx.saved(3)),
        y(ctx.saved(4)),
        grad_y(as_rows(ctx, grad)),
        groups(options.stat_groups),
        group_rows(x.size(0) / groups),
        channels(x.size(1)),
        has_residual(ops::has_residual(ctx)),
        took_batch(ctx.input_count() < 5 || ctx.input_shape(4).rank() == 0),
        mask(relu_mask(options, has_residual)) {
    if (y.defined()) {
      y = as_rows(ctx, y);
    }
  }
  /// Goes on from the gradient behind the ReLU.
  void take_masked(const Tensor& masked_grad) {
    grad_y = rows_of(masked_grad);
    mask = ReluMask::none;
  }
  [[nodiscard]] Tensor rows_of(const Tensor& grad) const { return grad.defined() ? grad.view(x.shape()) : grad; }
  [[nodiscard]] Tensor inv_std() const { return coefficients.select(0, 0); }
  [[nodiscard]] Tensor scale() const { return coefficients.select(0, 1); }
  [[nodiscard]] Tensor offset() const { return coefficients.select(0, 2); }

  Tensor x;
  Tensor mean;
  Tensor coefficients;
  Tensor total;
  Tensor y;
  Tensor grad_y;
  int64_t groups;
  int64_t group_rows;
  int64_t channels;
  bool has_residual;
  bool took_batch;
  ReluMask mask;
};

/// [groups, 2, C]; see ChannelGradSumsArgs.
Tensor grad_sums(const Context& ctx, const Saved& saved, const Tensor& masked_grad, const Tensor& grad_x) {
  const Tensor sums = ctx.new_empty({saved.groups, 2, saved.channels}, saved.mean.dtype());
  const int64_t chunks = kernels::channel_chunks(saved.group_rows, saved.channels);
  const Tensor partials = ctx.new_empty({saved.groups, chunks, 2, saved.channels}, saved.mean.dtype());
  kernels::channel_grad_sums({.grad_y = cref(saved.grad_y),
                              .x = cref(saved.x),
                              .y = cref(saved.y),
                              .mean = cref(saved.mean),
                              .scale = cref(saved.scale()),
                              .offset = cref(saved.offset()),
                              .mask = saved.mask,
                              .partials = ref(partials),
                              .sums = ref(sums),
                              .masked_grad = ref(saved.rows_of(masked_grad)),
                              .grad_x = ref(saved.rows_of(grad_x))},
                             ctx.stream());
  return sums;
}

void set_parameter_grads(const Context& ctx, const Saved& saved, const Tensor& sums, TensorList& result) {
  const Tensor both = ctx.new_empty({2, saved.channels}, sums.dtype());
  kernels::batch_norm_parameter_grads(
      {.sums = cref(sums), .inv_std = cref(saved.inv_std()), .parameter_grads = ref(both)}, ctx.stream());
  for (int i = 1; i <= 2; ++i) {
    if (ctx.needs_grad(i)) {
      result[i] = cast(both.select(0, i - 1), ctx.input_dtype(i));
    }
  }
}

/// How the batch's own statistics bend the gradient: slope and shift of ChannelGradArgs, [2, groups, C].
Tensor grad_coefficients(const Context& ctx, const Saved& saved, const Tensor& sums) {
  const Tensor slope_shift = ctx.new_empty({2, saved.groups, saved.channels}, sums.dtype());
  kernels::batch_norm_grad_coefficients({.sums = cref(sums),
                                         .coefficients = cref(saved.coefficients),
                                         .count = {.count = double(saved.group_rows), .total = cref(saved.total)},
                                         .slope_shift = ref(slope_shift)},
                                        ctx.stream());
  return slope_shift;
}

void write_grads(const Context& ctx, const Saved& saved, const Tensor& slope_shift, const Tensor& grad_x,
                 const Tensor& grad_residual) {
  kernels::channel_grad({.grad_y = cref(saved.grad_y),
                         .x = cref(saved.x),
                         .y = cref(saved.y),
                         .mean = cref(saved.mean),
                         .scale = cref(saved.scale()),
                         .offset = cref(saved.offset()),
                         .slope = cref(slope_shift.defined() ? slope_shift.select(0, 0) : Tensor()),
                         .shift = cref(slope_shift.defined() ? slope_shift.select(0, 1) : Tensor()),
                         .mask = saved.mask,
                         .grad_x = ref(saved.rows_of(grad_x)),
                         .grad_residual = ref(saved.rows_of(grad_residual))},
                        ctx.stream());
}

}  // namespace

TensorList BatchNorm::backward(Context& ctx, Inputs grads, const Options& options) {
  Saved saved(ctx, grads[0], options);
  TensorList result(ctx.input_count());
  const bool needs_parameters = ctx.needs_grad(1) || ctx.needs_grad(2);
  const bool bends = saved.took_batch && ctx.needs_grad(0);
  result[0] = ctx.needs_grad(0) ? ctx.new_grad(0) : Tensor();
  Tensor masked_grad;
  if (saved.has_residual && ctx.needs_grad(3)) {
    masked_grad = options.relu ? ctx.new_grad(3) : Tensor();
    result[3] = options.relu ? masked_grad : grads[0];
  }
  if (!needs_parameters && !bends) {
    if (result[0].defined() || masked_grad.defined()) {
      write_grads(ctx, saved, {}, result[0], masked_grad);
    }
    return result;
  }
  const Tensor sums = grad_sums(ctx, saved, masked_grad, bends ? Tensor() : result[0]);
  if (needs_parameters) {
    set_parameter_grads(ctx, saved, sums, result);
  }
  if (bends) {
    if (is_global(options)) {
      options.communicator->all_reduce_sum(sums);
    }
    if (masked_grad.defined()) {
      saved.take_masked(masked_grad);
    }
    write_grads(ctx, saved, grad_coefficients(ctx, saved, sums), result[0], {});
  }
  return result;
}

bool BatchNorm::can_remake(const Context& ctx) { return !has_residual(ctx); }

Tensor BatchNorm::remake(Context& ctx, const Options& options) {
  return normalize(ctx, as_rows(ctx, ctx.saved(0)), ctx.saved(1), ctx.saved(2), {}, options.relu);
}

TensorList BatchNorm::reference(Inputs in, const Options& options) {
  const auto& [x, weight, bias, residual, given_mean, given_variance] = unpack<6>(in);
  LV_CHECK(!is_global(options), "batch_norm: statistics over several processes cannot be differentiated twice");
  const DType dtype = statistics_dtype(x.dtype());
  const Shape statistics{options.stat_groups, x.size(-1)};
  const Shape grouped{options.stat_groups, row_count(x.shape()) / options.stat_groups, x.size(-1)};
  const auto count = double(std::max<int64_t>(grouped[1], 1));
  const Tensor wide = cast(reshape(x, grouped), dtype);
  Tensor mean = given_mean;
  Tensor variance = given_variance;
  if (mean.defined()) {
    mean = cast(mean, dtype);
    variance = cast(variance, dtype);
  } else {
    mean = sum(wide, {1}, true) / count;
    variance = sum(square(wide - mean), {1}, true) / count;
  }
  Tensor y = scale_and_shift((wide - mean) / sqrt(variance + options.eps), weight, bias);
  if (residual.defined()) {
    y = y + cast(reshape(residual, grouped), dtype);
  }
  y = cast(reshape(options.relu ? relu(y) : y, x.shape()), x.dtype());
  if (given_mean.defined()) {
    return {y};
  }
  return {y, reshape(mean, statistics), reshape(variance * (count / std::max(count - 1, 1.0)), statistics)};
}

namespace {

void check_running(const Tensor& x, const Tensor& running_mean, const Tensor& running_var) {
  check_activation(x);
  const Shape channels{x.size(-1)};
  LV_CHECK_SHAPE(running_mean.defined() == running_var.defined(),
                 "batch_norm: running_mean and running_var go together (x {})", x.shape());
  for (const Tensor& running : {running_mean, running_var}) {
    if (running.defined()) {
      LV_CHECK_SHAPE(running.shape() == channels && running.is_contiguous(),
                     "batch_norm: running statistics must be contiguous {}, got {} (x {})", channels, running.shape(),
                     x.shape());
      LV_CHECK_DTYPE(running.dtype() == statistics_dtype(x.dtype()),
                     "batch_norm: running statistics must be {} for x in {}, got {}", statistics_dtype(x.dtype()),
                     x.dtype(), running.dtype());
    }
  }
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
                  const Tensor& running_var, const BatchNormOptions& options, const Tensor& residual) {
  if (!options.training) {
    LV_CHECK(running_mean.defined() && running_var.defined(),
             "batch_norm: without training it needs running_mean and running_var (x {})", x.shape());
    return apply<BatchNorm>({x, weight, bias, residual, running_mean, running_var},
                            {.eps = options.eps, .relu = options.relu})[0];
  }
  check_running(x, running_mean, running_var);
  const TensorList result = apply<BatchNorm>({x, weight, bias, residual}, {.eps = options.eps,
                                                                           .stat_groups = options.stat_groups,
                                                                           .relu = options.relu,
                                                                           .communicator = options.communicator});
  if (options.update_running && running_mean.defined() && x.numel() > 0 && !autograd::is_recomputing()) {
    kernels::batch_norm_update({.mean = cref(result[1]),
                                .variance = cref(result[2]),
                                .momentum = options.momentum,
                                .running_mean = ref(running_mean),
                                .running_var = ref(running_var)},
                               current_stream(x.device()));
    running_mean.bump_version();
    running_var.bump_version();
  }
  return result[0];
}

}  // namespace lv::ops
