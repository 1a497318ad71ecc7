#include "ops/sort.h"

#include <cmath>
#include <numeric>

#include "kernels/gather.h"
#include "ops/index_definitions.h"
#include "ops/index_support.h"
#include "ops/shape.h"
#include "ops/sort_definitions.h"
#include "ops/tabulate.h"

namespace lv::ops {

using autograd::apply;
using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using kernels::cref;
using kernels::ref;

namespace {

constexpr int64_t kMaxRow = int64_t{1} << 32;

OutputSpecs infer_sorted(std::string_view op, const Tensor& x, int64_t k) {
  LV_CHECK_SHAPE(x.rank() >= 1, "{}: a scalar has no axis to sort", op);
  LV_CHECK_SHAPE(x.size(-1) < kMaxRow, "{}: rows must have fewer than 2^32 elements, got {}", op, x.shape());
  Shape shape = x.shape();
  shape[x.rank() - 1] = k;
  return {{shape, x.dtype()}, {shape, DType::i64}};
}

TensorList first_in_order(Context& ctx, const Tensor& any_x, int64_t k, bool descending) {
  const Tensor x = ctx.dense(any_x);
  const int64_t n = x.size(-1);
  const Shape& shape = ctx.output_spec().shape;
  const int64_t rows = around(shape, shape.rank() - 1)[0];
  const Tensor indices = argsort_rows(ctx, x.view({rows, n}), k, descending);
  const Tensor values = ctx.new_output();
  const Shape triple{rows, k, 1};
  kernels::gather({.x = cref(x.view({rows, n, 1})), .index = cref(indices.view(triple)), .y = ref(values.view(triple))},
                  ctx.stream());
  const Tensor shaped = indices.view(shape);
  ctx.save(shaped);
  ctx.non_differentiable(1);
  return {values, shaped};
}

TensorList put_back(Context& ctx, const Tensor& grad) {
  return apply<ScatterAdd>({{}, ctx.saved(0), grad}, {-1, ctx.input_shape(0).back()});
}

/// By std::stable_sort of positions.
TensorList reference_sorted(const Tensor& any_x, const OutputSpecs& specs, bool descending) {
  const Tensor x = on_host_f64(any_x);
  const int64_t n = x.size(-1);
  const int64_t k = specs[0].shape.back();
  const Tensor values = Tensor::empty(specs[0].shape, DType::f64);
  const Tensor indices = Tensor::empty(specs[1].shape, DType::i64);
  std::vector<int64_t> order(static_cast<size_t>(n));
  for (int64_t row = 0; row * k < values.numel(); ++row) {
    const double* const in = x.data<double>() + row * n;
    std::iota(order.begin(), order.end(), int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) {
      const double a = descending ? in[j] : in[i];
      const double b = descending ? in[i] : in[j];
      return a < b || (std::isnan(b) && !std::isnan(a));
    });
    for (int64_t i = 0; i < k; ++i) {
      values.data<double>()[row * k + i] = in[order[size_t(i)]];
      indices.data<int64_t>()[row * k + i] = order[size_t(i)];
    }
  }
  return {values.to(specs[0].dtype), indices};
}

/// x with the axis moved to the end, if it is not there.
Tensor move_to_end(const Tensor& x, int axis) { return axis == x.rank() - 1 ? x : transpose(x, axis, -1); }

Sorted move_back(const TensorList& sorted, int axis) {
  return {move_to_end(sorted[0], axis), move_to_end(sorted[1], axis)};
}

}  // namespace

OutputSpecs Sort::infer(Inputs in, const Options&) {
  return infer_sorted("sort", in[0], in[0].rank() > 0 ? in[0].size(-1) : 0);
}
TensorList Sort::forward(Context& ctx, Inputs in, const Options& options) {
  return first_in_order(ctx, in[0], in[0].size(-1), options.descending);
}
TensorList Sort::backward(Context& ctx, Inputs grads, const Options&) { return put_back(ctx, grads[0]); }
TensorList Sort::reference(Inputs in, const Options& options) {
  return reference_sorted(in[0], infer(in, options), options.descending);
}

Sorted sort(const Tensor& x, int axis, bool descending) {
  axis = normalize_axis(axis, x.rank(), "sort");
  return move_back(apply<Sort>({move_to_end(x, axis)}, {descending}), axis);
}

Tensor argsort(const Tensor& x, int axis, bool descending) { return sort(x.detach(), axis, descending).indices; }

OutputSpecs TopK::infer(Inputs in, const Options& options) {
  const OutputSpecs specs = infer_sorted("topk", in[0], options.k);
  LV_CHECK_SHAPE(options.k >= 0 && options.k <= in[0].size(-1), "topk: k must be in [0, {}], got {} (x {})",
                 in[0].size(-1), options.k, in[0].shape());
  return specs;
}
TensorList TopK::forward(Context& ctx, Inputs in, const Options& options) {
  return first_in_order(ctx, in[0], options.k, options.largest);
}
TensorList TopK::backward(Context& ctx, Inputs grads, const Options&) { return put_back(ctx, grads[0]); }
TensorList TopK::reference(Inputs in, const Options& options) {
  return reference_sorted(in[0], infer(in, options), options.largest);
}

Sorted topk(const Tensor& x, int64_t k, int axis, bool largest) {
  axis = normalize_axis(axis, x.rank(), "topk");
  return move_back(apply<TopK>({move_to_end(x, axis)}, {k, largest}), axis);
}

}  // namespace lv::ops
