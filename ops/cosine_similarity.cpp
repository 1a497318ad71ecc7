#include <limits>

#include "kernels/unit_lines.h"
#include "ops/elementwise.h"
#include "ops/norm_definitions.h"
#include "ops/norm_support.h"
#include "ops/reduce.h"

namespace lv::ops {

using autograd::cast;
using autograd::unpack;
using kernels::cref;
using kernels::ref;

OutputSpecs CosineSimilarity::infer(Inputs in, const Options& options) {
  const auto& [a, b] = unpack<2>(in);
  LV_CHECK_DTYPE(is_floating(a.dtype()), "cosine_similarity: a must be of a floating dtype, got {}", a.dtype());
  LV_CHECK_DTYPE(a.dtype() == b.dtype(), "cosine_similarity: dtypes differ: {} and {}; cast one of them", a.dtype(),
                 b.dtype());
  LV_CHECK_SHAPE(a.shape() == b.shape(), "cosine_similarity: shapes must be equal, got {} and {}", a.shape(),
                 b.shape());
  Shape shape = a.shape();
  shape.erase(normalize_axis(options.axis, a.rank(), kName));
  return {{shape, a.dtype()}};
}

TensorList CosineSimilarity::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor a = as_lines(ctx, in[0], options.axis);
  const Tensor b = as_lines(ctx, in[1], options.axis);
  const Tensor y = ctx.new_output();
  const Tensor factors = ctx.new_empty({3, y.numel()}, statistics_dtype(a.dtype()));
  kernels::cosine({.a = cref(a), .b = cref(b), .eps = options.eps, .y = ref(y), .factors = ref(factors)}, ctx.stream());
  ctx.save(in[0]);
  ctx.save(in[1]);
  ctx.save(factors);
  return {y};
}

TensorList CosineSimilarity::backward(Context& ctx, Inputs grads, const Options& options) {
  const Tensor a = as_lines(ctx, ctx.saved(0), options.axis);
  const Tensor b = as_lines(ctx, ctx.saved(1), options.axis);
  TensorList result(2);
  for (int i = 0; i < 2; ++i) {
    result[i] = ctx.needs_grad(i) ? ctx.new_grad(i) : Tensor();
  }
  const auto lines_of = [&](const Tensor& grad) { return ref(grad.defined() ? grad.view(a.shape()) : Tensor()); };
  kernels::cosine_grad({.grad_y = cref(ctx.dense(grads[0])),
                        .a = cref(a),
                        .b = cref(b),
                        .factors = cref(ctx.saved(2)),
                        .eps = options.eps,
                        .grad_a = lines_of(result[0]),
                        .grad_b = lines_of(result[1])},
                       ctx.stream());
  return result;
}

TensorList CosineSimilarity::reference(Inputs in, const Options& options) {
  const DType dtype = statistics_dtype(in[0].dtype());
  const auto unit = [&](const Tensor& x) {
    const Tensor wide = cast(x, dtype);
    return wide / clamp(norm(wide, {options.axis}, true), options.eps, std::numeric_limits<double>::infinity());
  };
  return {cast(sum(unit(in[0]) * unit(in[1]), {options.axis}), in[0].dtype())};
}

Tensor cosine_similarity(const Tensor& a, const Tensor& b, int axis, double eps) {
  const Shape shape = broadcast_shapes(a.shape(), b.shape(), CosineSimilarity::kName);
  return autograd::apply<CosineSimilarity>({autograd::expand(a, shape), autograd::expand(b, shape)},
                                           {.axis = axis, .eps = eps})[0];
}

}  // namespace lv::ops
