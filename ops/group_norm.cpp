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

TensorList GroupNorm::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [x, weight, bias] = unpack<3>(in);
  const DType dtype = statistics_dtype(x.dtype());
  const Tensor rows = as_rows(ctx, x);
  const int64_t samples = x.size(0);
  const int64_t channels = x.size(-1);
  const int64_t chunks = kernels::channel_chunks(rows.size(0) / std::max<int64_t>(samples, 1), channels);
  const Tensor partials = ctx.new_empty({samples, chunks, 3, channels}, dtype);
  const Tensor moments = ctx.new_empty({2, samples, channels}, dtype);
  const Tensor mean = moments.select(0, 0);
  const Tensor variance = moments.select(0, 1);
  kernels::channel_moments({.x = cref(rows), .partials = ref(partials), .mean = ref(mean), .variance = ref(variance)},
                           ctx.stream());
  const Tensor coefficients = ctx.new_empty({4, samples, channels}, dtype);
  kernels::group_norm_coefficients({.mean = cref(mean),
                                    .variance = cref(variance),
                                    .weight = cref(parameter_as(ctx, weight, dtype)),
                                    .bias = cref(parameter_as(ctx, bias, dtype)),
                                    .groups = options.groups,
                                    .eps = options.eps,
                                    .coefficients = ref(coefficients)},
                                   ctx.stream());
  const Tensor y = ctx.new_output();
  kernels::channel_affine({.x = cref(rows),
                           .mean = cref(coefficients.select(0, 0)),
                           .scale = cref(coefficients.select(0, 2)),
                           .offset = cref(coefficients.select(0, 3)),
                           .residual = {},
                           .y = ref(y.view(rows.shape()))},
                          ctx.stream());
  ctx.save(x);
  ctx.save(coefficients);
  return {y};
}

TensorList GroupNorm::backward(Context& ctx, Inputs grads, const Options& options) {
  const Tensor x = as_rows(ctx, ctx.saved(0));
  const Tensor grad_y = as_rows(ctx, grads[0]);
  const Tensor coefficients = ctx.saved(1);
  const int64_t samples = coefficients.size(1);
  const int64_t channels = x.size(1);
  const int64_t rows = x.size(0) / std::max<int64_t>(samples, 1);
  const Tensor mean = coefficients.select(0, 0);
  const Tensor inv_std = coefficients.select(0, 1);
  const Tensor scale = coefficients.select(0, 2);

  const Tensor sums = ctx.new_empty({samples, 2, channels}, coefficients.dtype());
  const Tensor partials =
      ctx.new_empty({samples, kernels::channel_chunks(rows, channels), 2, channels}, coefficients.dtype());
  kernels::channel_grad_sums({.grad_y = cref(grad_y),
                              .x = cref(x),
                              .y = {},
                              .mean = cref(mean),
                              .scale = cref(scale),
                              .offset = {},
                              .partials = ref(partials),
                              .sums = ref(sums),
                              .masked_grad = {}},
                             ctx.stream());
  TensorList result(ctx.input_count());
  if (ctx.needs_grad(1) || ctx.needs_grad(2)) {
    const Tensor both = ctx.new_empty({2, channels}, sums.dtype());
    kernels::batch_norm_parameter_grads({.sums = cref(sums), .inv_std = cref(inv_std), .parameter_grads = ref(both)},
                                        ctx.stream());
    for (int i = 1; i <= 2; ++i) {
      if (ctx.needs_grad(i)) {
        result[i] = cast(both.select(0, i - 1), ctx.input_dtype(i));
      }
    }
  }
  if (ctx.needs_grad(0)) {
    const Tensor slope_shift = ctx.new_empty({2, samples, channels}, sums.dtype());
    kernels::group_norm_grad_coefficients({.sums = cref(sums),
                                           .coefficients = cref(coefficients),
                                           .groups = options.groups,
                                           .rows = rows,
                                           .slope_shift = ref(slope_shift)},
                                          ctx.stream());
    result[0] = ctx.new_grad(0);
    kernels::channel_grad({.grad_y = cref(grad_y),
                           .x = cref(x),
                           .y = {},
                           .mean = cref(mean),
                           .scale = cref(scale),
                           .offset = {},
                           .slope = cref(slope_shift.select(0, 0)),
                           .shift = cref(slope_shift.select(0, 1)),
                           .grad_x = ref(result[0].view(x.shape())),
                           .grad_residual = {}},
                          ctx.stream());
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
