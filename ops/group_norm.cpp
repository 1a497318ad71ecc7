#include "kernels/group_norm.h"
#include "kernels/batch_norm.h"
#include "kernels/channel_norm.h"
#include "ops/elementwise.h"
#include "ops/norm_definitions.h"
#include "ops/norm_support.h"
#include "ops/reduce.h"
#include "ops/shape.h"

namespace lv::ops {

using autograd::cast;
using autograd::unpack;
using kernels::cref;
using kernels::ref;

OutputSpecs GroupNorm::infer(Inputs in, const Options& options) {
  const auto& [x, weight, bias] = unpack<3>(in);
  LV_CHECK_DTYPE(is_floating(x.dtype()), "group_norm: x must be of a floating dtype, got {}", x.dtype());
  LV_CHECK_SHAPE(x.rank() >= 2, "group_norm: x must be [N, ..., C], got {}", x.shape());
  LV_CHECK_SHAPE(options.groups >= 1 && x.size(-1) % options.groups == 0,
                 "group_norm: groups must divide the channels, got {} groups (x {})", options.groups, x.shape());
  check_parameter(kName, "weight", weight, x, {x.size(-1)});
  check_parameter(kName, "bias", bias, x, {x.size(-1)});
  return {{x.shape(), x.dtype()}};
}

namespace {

/// Coefficients of a norm, [4, N, C]; part(i) is one of them for a run of samples.
enum Coefficient { kMean, kInvStd, kScale, kOffset };

/// A run of samples whose activations stay in the cache between the two passes over them. A device takes all at once:
/// launches would cost it more.
struct Samples {
  int64_t begin;
  int64_t end;
  int64_t rows;  // of a sample

  [[nodiscard]] Tensor part(const Tensor& per_sample) const { return per_sample.slice(0, begin, end); }
  [[nodiscard]] Tensor rows_of(const Tensor& matrix) const { return matrix.slice(0, begin * rows, end * rows); }
};

template <class Fn>
void for_each_run(const Tensor& x, int64_t samples, int64_t arrays, Fn&& fn) {
  constexpr int64_t kCacheBytes = int64_t{8} << 20;
  const int64_t sample_bytes = std::max<int64_t>(x.size_bytes() * arrays / std::max<int64_t>(samples, 1), 1);
  const int64_t step = x.device().is_cuda() ? samples : std::max<int64_t>(kCacheBytes / sample_bytes, 1);
  for (int64_t begin = 0; begin < samples; begin += step) {
    fn(Samples{begin, std::min(begin + step, samples), x.size(0) / samples});
  }
}

}  // namespace

TensorList GroupNorm::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [x, weight, bias] = unpack<3>(in);
  const DType dtype = statistics_dtype(x.dtype());
  const Tensor rows = as_rows(ctx, x);
  const Shape statistics{x.size(0), x.size(-1)};
  const Tensor gain = parameter_as(ctx, weight, dtype);
  const Tensor shift = parameter_as(ctx, bias, dtype);
  const int64_t chunks = kernels::channel_chunks(rows.size(0) / std::max<int64_t>(x.size(0), 1), x.size(-1));
  const Tensor partials = ctx.new_empty({x.size(0), chunks, 3, x.size(-1)}, dtype);
  const Tensor mean = ctx.new_empty(statistics, dtype);
  const Tensor variance = ctx.new_empty(statistics, dtype);
  const Tensor coefficients = ctx.new_empty({4, x.size(0), x.size(-1)}, dtype);
  const Tensor y = ctx.new_output();
  for_each_run(rows, x.size(0), 1, [&](const Samples& run) {
    const auto coefficient = [&](Coefficient which) { return ref(run.part(coefficients.select(0, which))); };
    kernels::channel_moments({.x = cref(run.rows_of(rows)),
                              .partials = ref(run.part(partials)),
                              .mean = ref(run.part(mean)),
                              .variance = ref(run.part(variance))},
                             ctx.stream());
    kernels::group_norm_coefficients({.mean = cref(run.part(mean)),
                                      .variance = cref(run.part(variance)),
                                      .weight = cref(gain),
                                      .bias = cref(shift),
                                      .groups = options.groups,
                                      .eps = options.eps,
                                      .group_mean = coefficient(kMean),
                                      .inv_std = coefficient(kInvStd),
                                      .scale = coefficient(kScale),
                                      .offset = coefficient(kOffset)},
                                     ctx.stream());
    kernels::channel_affine({.x = cref(run.rows_of(rows)),
                             .mean = coefficient(kMean),
                             .scale = coefficient(kScale),
                             .offset = coefficient(kOffset),
                             .residual = {},
                             .y = ref(run.rows_of(y.view(rows.shape()))),
                             .result_rows = rows.size(0)},
                            ctx.stream());
  });
  ctx.save(x);
  ctx.save(coefficients);
  return {y};
}

namespace {

/// What both passes of backward read.
struct Saved {
  Tensor grad_y;
  Tensor x;
  Tensor coefficients;
  int groups;

  [[nodiscard]] Tensor part(const Samples& run, Coefficient which) const {
    return run.part(coefficients.select(0, which));
  }
};

void sum_grads(const Context& ctx, const Saved& saved, const Samples& run, const Tensor& partials, const Tensor& sums) {
  kernels::channel_grad_sums({.grad_y = cref(run.rows_of(saved.grad_y)),
                              .x = cref(run.rows_of(saved.x)),
                              .y = {},
                              .mean = cref(saved.part(run, kMean)),
                              .scale = cref(saved.part(run, kScale)),
                              .offset = {},
                              .partials = ref(run.part(partials)),
                              .sums = ref(run.part(sums)),
                              .masked_grad = {},
                              .grad_x = {}},
                             ctx.stream());
}

void write_grads(const Context& ctx, const Saved& saved, const Samples& run, const Tensor& sums, const Tensor& grad_x) {
  const Tensor slope_shift =
      ctx.new_empty({2, run.end - run.begin, saved.coefficients.size(2)}, saved.coefficients.dtype());
  const Tensor slope = slope_shift.select(0, 0);
  const Tensor shift = slope_shift.select(0, 1);
  kernels::group_norm_grad_coefficients({.sums = cref(run.part(sums)),
                                         .inv_std = cref(saved.part(run, kInvStd)),
                                         .scale = cref(saved.part(run, kScale)),
                                         .groups = saved.groups,
                                         .rows = run.rows,
                                         .slope = ref(slope),
                                         .shift = ref(shift)},
                                        ctx.stream());
  kernels::channel_grad({.grad_y = cref(run.rows_of(saved.grad_y)),
                         .x = cref(run.rows_of(saved.x)),
                         .y = {},
                         .mean = cref(saved.part(run, kMean)),
                         .scale = cref(saved.part(run, kScale)),
                         .offset = {},
                         .slope = cref(slope),
                         .shift = cref(shift),
                         .grad_x = ref(run.rows_of(grad_x)),
                         .grad_residual = {},
                         .result_rows = saved.x.size(0)},
                        ctx.stream());
}

}  // namespace

TensorList GroupNorm::backward(Context& ctx, Inputs grads, const Options& options) {
  const Saved saved{as_rows(ctx, grads[0]), as_rows(ctx, ctx.saved(0)), ctx.saved(1), options.groups};
  const int64_t samples = saved.coefficients.size(1);
  const int64_t channels = saved.x.size(1);
  const int64_t chunks = kernels::channel_chunks(saved.x.size(0) / std::max<int64_t>(samples, 1), channels);
  const Tensor sums = ctx.new_empty({samples, 2, channels}, saved.coefficients.dtype());
  const Tensor partials = ctx.new_empty({samples, chunks, 2, channels}, sums.dtype());
  TensorList result(ctx.input_count());
  result[0] = ctx.needs_grad(0) ? ctx.new_grad(0) : Tensor();
  for_each_run(saved.x, samples, 2, [&](const Samples& run) {
    sum_grads(ctx, saved, run, partials, sums);
    if (result[0].defined()) {
      write_grads(ctx, saved, run, sums, result[0].view(saved.x.shape()));
    }
  });
  if (ctx.needs_grad(1) || ctx.needs_grad(2)) {
    const Tensor both = ctx.new_empty({2, channels}, sums.dtype());
    kernels::batch_norm_parameter_grads(
        {.sums = cref(sums), .inv_std = cref(saved.coefficients.select(0, kInvStd)), .parameter_grads = ref(both)},
        ctx.stream());
    for (int i = 1; i <= 2; ++i) {
      if (ctx.needs_grad(i)) {
        result[i] = cast(both.select(0, i - 1), ctx.input_dtype(i));
      }
    }
  }
  return result;
}

TensorList GroupNorm::reference(Inputs in, const Options& options) {
  const auto& [x, weight, bias] = unpack<3>(in);
  const int64_t samples = x.size(0);
  const Shape split{samples, row_count(x.shape()) / std::max<int64_t>(samples, 1), options.groups,
                    x.size(-1) / options.groups};
  const Tensor wide = cast(reshape(x, split), statistics_dtype(x.dtype()));
  const Tensor deviation = wide - mean(wide, {1, 3}, true);
  const Tensor normal = deviation / sqrt(mean(square(deviation), {1, 3}, true) + options.eps);
  return {cast(scale_and_shift(reshape(normal, x.shape()), weight, bias), x.dtype())};
}

Tensor group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const GroupNormOptions& options) {
  return autograd::apply<GroupNorm>({x, weight, bias}, options)[0];
}

}  // namespace lv::ops
