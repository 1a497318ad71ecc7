#include "kernels/layer_norm.h"
#include "ops/elementwise.h"
#include "ops/norm_definitions.h"
#include "ops/norm_support.h"
#include "ops/reduce.h"

namespace lv::ops {

using autograd::cast;
using autograd::unpack;
using kernels::cref;
using kernels::ref;

OutputSpecs LayerNorm::infer(Inputs in, const Options&) {
  const auto& [x, weight, bias] = unpack<3>(in);
  LV_CHECK_DTYPE(is_floating(x.dtype()), "layer_norm: x must be of a floating dtype, got {}", x.dtype());
  LV_CHECK_SHAPE(x.rank() >= 1, "layer_norm: x must be [..., C], got {}", x.shape());
  check_parameter(kName, "weight", weight, x, {x.size(-1)});
  check_parameter(kName, "bias", bias, x, {x.size(-1)});
  return {{x.shape(), x.dtype()}};
}

TensorList LayerNorm::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [x, weight, bias] = unpack<3>(in);
  const DType dtype = statistics_dtype(x.dtype());
  const Tensor rows = as_rows(ctx, x);
  const Tensor gain = parameter_as(ctx, weight, dtype);
  const Tensor y = ctx.new_output();
  const Tensor mean = ctx.new_empty({rows.size(0)}, dtype);
  const Tensor inv_std = ctx.new_empty({rows.size(0)}, dtype);
  kernels::layer_norm({.x = cref(rows),
                       .weight = cref(gain),
                       .bias = cref(parameter_as(ctx, bias, dtype)),
                       .eps = options.eps,
                       .y = ref(y.view(rows.shape())),
                       .mean = ref(mean),
                       .inv_std = ref(inv_std)},
                      ctx.stream());
  ctx.save(x);
  ctx.save(gain);
  ctx.save(mean);
  ctx.save(inv_std);
  return {y};
}

TensorList LayerNorm::backward(Context& ctx, Inputs grads, const Options&) {
  const Tensor x = as_rows(ctx, ctx.saved(0));
  const Tensor mean = ctx.saved(2);
  const bool needs_parameters = ctx.needs_grad(1) || ctx.needs_grad(2);
  const int64_t channels = x.size(1);
  TensorList result(ctx.input_count());
  result[0] = ctx.needs_grad(0) ? ctx.new_grad(0) : Tensor();
  const Tensor partials = ctx.new_empty({kernels::channel_chunks(x.size(0), channels), 2, channels}, mean.dtype());
  const Tensor parameter_grads = needs_parameters ? ctx.new_empty({2, channels}, mean.dtype()) : Tensor();
  kernels::layer_norm_grad({.grad_y = cref(as_rows(ctx, grads[0])),
                            .x = cref(x),
                            .weight = cref(ctx.saved(1)),
                            .mean = cref(mean),
                            .inv_std = cref(ctx.saved(3)),
                            .grad_x = ref(result[0].defined() ? result[0].view(x.shape()) : Tensor()),
                            .partials = ref(partials),
                            .parameter_grads = ref(parameter_grads)},
                           ctx.stream());
  for (int i = 1; i <= 2; ++i) {
    if (ctx.needs_grad(i)) {
      result[i] = cast(parameter_grads.select(0, i - 1), ctx.input_dtype(i));
    }
  }
  return result;
}

TensorList LayerNorm::reference(Inputs in, const Options& options) {
  const auto& [x, weight, bias] = unpack<3>(in);
  const Tensor wide = cast(x, statistics_dtype(x.dtype()));
  const Tensor deviation = wide - mean(wide, {-1}, true);
  const Tensor normal = deviation / sqrt(mean(square(deviation), {-1}, true) + options.eps);
  return {cast(scale_and_shift(normal, weight, bias), x.dtype())};
}

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const LayerNormOptions& options) {
  return autograd::apply<LayerNorm>({x, weight, bias}, options)[0];
}

}  // namespace lv::ops
