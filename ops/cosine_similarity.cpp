#include <cmath>

#include "autograd/basic_ops.h"
#include "kernels/unit_lines.h"
#include "ops/norm_definitions.h"
#include "ops/norm_support.h"

namespace lv::ops {

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
  // Along the last axis after an exchange, lines are consecutive.
  const auto lines_of = [&](const Tensor& x) { return x.to(DType::f64).transpose(options.axis, -1).contiguous(); };
  const std::vector<double> a = lines_of(in[0]).to_vector<double>();
  const std::vector<double> b = lines_of(in[1]).to_vector<double>();
  const Tensor exchanged = Tensor::empty(lines_of(in[0]).select(-1, 0).shape(), DType::f64);
  const auto n = size_t(in[0].size(options.axis));
  for (size_t line = 0; line < size_t(exchanged.numel()); ++line) {
    double dot = 0;
    double square_a = 0;
    double square_b = 0;
    for (size_t i = line * n; i < (line + 1) * n; ++i) {
      dot += a[i] * b[i];
      square_a += a[i] * a[i];
      square_b += b[i] * b[i];
    }
    exchanged.data<double>()[line] =
        dot / (std::max(std::sqrt(square_a), options.eps) * std::max(std::sqrt(square_b), options.eps));
  }
  Tensor y = exchanged.unsqueeze(-1).transpose(options.axis, -1).squeeze(options.axis);
  return {y.contiguous().to(in[0].dtype())};
}

Tensor cosine_similarity(const Tensor& a, const Tensor& b, int axis, double eps) {
  const Shape shape = broadcast_shapes(a.shape(), b.shape(), CosineSimilarity::kName);
  return autograd::apply<CosineSimilarity>({autograd::expand(a, shape), autograd::expand(b, shape)},
                                           {.axis = axis, .eps = eps})[0];
}

}  // namespace lv::ops
