#include "ops/elastic_resample.h"

#include "kernels/elastic.h"
#include "ops/basic.h"
#include "ops/elementwise.h"
#include "ops/interpolate.h"
#include "ops/norm_support.h"
#include "ops/pad.h"
#include "ops/pool.h"
#include "ops/reduce.h"
#include "ops/shape.h"

namespace lv::ops {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using autograd::unpack;
using kernels::cref;
using kernels::ref;

namespace {

void check_image(std::string_view op, std::string_view name, const Tensor& image) {
  LV_CHECK_SHAPE(image.rank() == 4, "{}: {} must be [N, H, W, C], got {}", op, name, image.shape());
  LV_CHECK_DTYPE(is_floating(image.dtype()), "{}: {} must be floating, got {}", op, name, image.dtype());
  LV_CHECK_SHAPE(image.size(1) >= 1 && image.size(2) >= 1, "{}: {} {} has no cells", op, name, image.shape());
}

Shape halved(const Shape& shape) { return {shape[0], (shape[1] + 1) / 2, (shape[2] + 1) / 2, shape[3]}; }

}  // namespace

// elastic_downsample

OutputSpecs ElasticDownsample::infer(Inputs in, const Options&) {
  check_image(kName, "x", in[0]);
  return {{halved(in[0].shape()), in[0].dtype()}};
}

TensorList ElasticDownsample::forward(Context& ctx, Inputs in, const Options&) {
  const Tensor x = ctx.dense(in[0]);
  const Tensor y = ctx.new_output();
  kernels::elastic_down({.x = cref(x), .y = ref(y)}, ctx.stream());
  return {y};
}

TensorList ElasticDownsample::backward(Context& ctx, Inputs grads, const Options&) {
  const Tensor grad = ctx.dense(grads[0]);
  const Tensor dx = ctx.new_grad(0);
  kernels::elastic_down_backward({.grad = cref(grad), .dx = ref(dx)}, ctx.stream());
  return {dx};
}

TensorList ElasticDownsample::reference(Inputs in, const Options&) {
  const Tensor even = pad_mirrored(in[0], {0, in[0].size(1) % 2}, {0, in[0].size(2) % 2}, Mirror::replicate);
  return {avg_pool2d(even, {.kernel = {2, 2}})};
}

Tensor elastic_downsample(const Tensor& x) { return autograd::apply<ElasticDownsample>({x})[0]; }

// elastic_upsample_add

OutputSpecs ElasticUpsampleAdd::infer(Inputs in, const Options&) {
  const auto& [small, full, scale, shift] = unpack<4>(in);
  check_image(kName, "full", full);
  LV_CHECK_SHAPE(small.shape() == halved(full.shape()), "{}: small must be {}, half of full, got {} (full {})", kName,
                 halved(full.shape()), small.shape(), full.shape());
  LV_CHECK_DTYPE(small.dtype() == full.dtype(), "{}: dtypes differ: small {}, full {}; cast one of them", kName,
                 small.dtype(), full.dtype());
  LV_CHECK(scale.defined() == shift.defined(), "{}: scale and shift must be given together (full {})", kName,
           full.shape());
  check_parameter(kName, "scale", scale, full, {full.size(3)});
  check_parameter(kName, "shift", shift, full, {full.size(3)});
  return {{full.shape(), full.dtype()}};
}

TensorList ElasticUpsampleAdd::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [small, full, scale, shift] = unpack<4>(in);
  const DType parameter_dtype = statistics_dtype(full.dtype());
  const Tensor dense_small = ctx.dense(small);
  const Tensor dense_full = ctx.dense(full);
  const Tensor dense_scale = parameter_as(ctx, scale, parameter_dtype);
  const Tensor dense_shift = parameter_as(ctx, shift, parameter_dtype);
  const Tensor y = ctx.new_output();
  kernels::elastic_up_add({.small = cref(dense_small),
                           .full = cref(dense_full),
                           .scale = cref(dense_scale),
                           .shift = cref(dense_shift),
                           .y = ref(y),
                           .is_nearest = options.nearest,
                           .relu = options.relu},
                          ctx.stream());
  ctx.save_output(options.relu ? y : Tensor());
  const bool needs_total = ctx.needs_grad(2);
  ctx.save(needs_total ? small : Tensor());
  ctx.save(needs_total ? full : Tensor());
  ctx.save(scale);
  return {y};
}

TensorList ElasticUpsampleAdd::backward(Context& ctx, Inputs grads, const Options& options) {
  const auto wants = [&](int i) { return i < ctx.input_count() && ctx.needs_grad(i); };
  const bool is_affine = ctx.input_count() > 2 && ctx.input_shape(2).rank() != 0;
  const Tensor before_relu = options.relu ? where(gt(ctx.saved(0), 0.0), grads[0], 0.0) : grads[0];
  const Tensor dsum = is_affine ? before_relu * cast(ctx.saved(3), grads[0].dtype()) : before_relu;
  TensorList result{Tensor(), dsum, Tensor(), Tensor()};
  if (wants(0)) {
    const Tensor grad = ctx.dense(dsum);
    result[0] = ctx.new_grad(0);
    kernels::elastic_up_backward({.grad = cref(grad), .dsmall = ref(result[0]), .is_nearest = options.nearest},
                                 ctx.stream());
  }
  if (wants(2)) {
    const Tensor total = elastic_upsample_add(ctx.saved(1), ctx.saved(2), {}, {}, {.nearest = options.nearest});
    result[2] = cast(sum_to(before_relu * total, ctx.input_shape(2)), ctx.input_dtype(2));
  }
  if (wants(3)) {
    result[3] = cast(sum_to(before_relu, ctx.input_shape(3)), ctx.input_dtype(3));
  }
  return result;
}

TensorList ElasticUpsampleAdd::reference(Inputs in, const Options& options) {
  const auto& [small, full, scale, shift] = unpack<4>(in);
  const Tensor doubled = interpolate(small, {2 * small.size(1), 2 * small.size(2)},
                                     {.mode = options.nearest ? Interpolation::nearest : Interpolation::bilinear});
  const Tensor total = full + slice(slice(doubled, 1, 0, full.size(1)), 2, 0, full.size(2));
  const Tensor y = scale_and_shift(total, scale, shift);
  return {options.relu ? relu(y) : y};
}

Tensor elastic_upsample_add(const Tensor& small, const Tensor& full, const Tensor& scale, const Tensor& shift,
                            const ElasticUpsampleAddOptions& options) {
  return autograd::apply<ElasticUpsampleAdd>({small, full, scale, shift}, options)[0];
}

}  // namespace lv::ops
