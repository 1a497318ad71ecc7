#include "ops/index.h"

#include "core/copy.h"
#include "kernels/copy.h"
#include "kernels/gather.h"
#include "ops/basic.h"
#include "ops/index_definitions.h"
#include "ops/index_support.h"
#include "ops/shape.h"
#include "ops/tabulate.h"

namespace lv::ops {

using autograd::apply;
using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using autograd::unpack;
using kernels::cref;
using kernels::ref;

namespace {

/// Throws unless `shape` equals `x` but for the axis, where it has `count`.
void check_around(std::string_view op, std::string_view what, const Shape& shape, Shape x, int axis, int64_t count) {
  const Shape full = x;
  x[axis] = count;
  LV_CHECK_SHAPE(shape == x, "{}: {} must be {}, got {} (x {}, axis {})", op, what, x, shape, full, axis);
}

/// The float64 sum of src over equal targets: `target(at)` maps a position of src to one of the result, which begins as
/// x, or as zeros when x is absent; an empty position is left out.
template <class Fn>
Tensor sum_at_targets(const Tensor& x, const Tensor& src, const Shape& shape, Fn&& target) {
  const Tensor y = x.defined() ? on_host_f64(x).clone() : Tensor::zeros(shape, DType::f64);
  const Tensor values = on_host_f64(src);
  for_each_position(src.shape(), [&](const Dims& at) {
    if (const std::optional<Dims> to = target(at); to.has_value()) {
      int64_t offset = 0;
      for (int axis = 0; axis < shape.rank(); ++axis) {
        offset = offset * shape[axis] + (*to)[axis];
      }
      y.data<double>()[offset] += element(values, at);
    }
  });
  return y.to(src.dtype());
}

/// What a scatter adds to, of shape [outer, size, inner]: x's elements or zeros, as `dtype`.
Tensor starting_sums(const Context& ctx, const Tensor& x, const Shape& shape, DType dtype) {
  const Tensor sums = ctx.new_empty(shape, dtype);
  if (x.defined()) {
    kernels::copy({.x = cref(x), .y = ref(sums.view(x.shape()))}, ctx.stream());
  } else {
    fill_zero_bytes(sums.raw_data(), sums.size_bytes(), sums.device());
  }
  return sums;
}

/// The shape of x in scatter_add and index_add, where x may be absent.
Shape target_shape(const Tensor& x, const Tensor& src, int axis, int64_t size) {
  Shape shape = x.defined() ? x.shape() : src.shape();
  if (!x.defined()) {
    shape[axis] = size;
  }
  return shape;
}

/// Checks and the result's spec of scatter_add and index_add, but for the index.
OutputSpecs infer_sum(std::string_view op, const Tensor& x, const Tensor& src, int axis, int64_t size, int64_t count) {
  LV_CHECK_DTYPE(is_floating(src.dtype()), "{}: src must be floating, got {}", op, src.dtype());
  LV_CHECK_DTYPE(!x.defined() || x.dtype() == src.dtype(), "{}: dtypes differ: x is {}, src {}; cast one of them", op,
                 x.dtype(), src.dtype());
  const Shape shape = target_shape(x, src, axis, size);
  check_around(op, "src", src.shape(), shape, axis, count);
  return {{shape, src.dtype()}};
}

int axis_of(std::string_view op, int axis, const Tensor& x, const Tensor& src) {
  return normalize_axis(axis, x.defined() ? x.rank() : src.rank(), op);
}

}  // namespace

// gather

OutputSpecs Gather::infer(Inputs in, const Options& options) {
  const Tensor& x = in[0];
  const Tensor& index = in[1];
  const int axis = normalize_axis(options.axis, x.rank(), "gather");
  check_index_dtype("gather", index);
  LV_CHECK_SHAPE(index.rank() == x.rank(), "gather: index {} and x {} must have as many axes", index.shape(),
                 x.shape());
  check_around("gather", "index", index.shape(), x.shape(), axis, index.size(axis));
  return {{index.shape(), x.dtype()}};
}

TensorList Gather::forward(Context& ctx, Inputs in, const Options& options) {
  const int axis = normalize_axis(options.axis, in[0].rank(), "gather");
  const Tensor x = ctx.dense(in[0]);
  const Tensor index = ctx.dense(in[1]);
  const Tensor y = ctx.new_output();
  const Shape sizes = around(index.shape(), axis);
  bool any_outside = false;
  kernels::gather({.x = cref(x.view(around(x.shape(), axis))),
                   .index = cref(index.view(sizes)),
                   .y = ref(y.view(sizes)),
                   .any_outside = &any_outside},
                  ctx.stream());
  if (any_outside) {
    fail_index_range("gather", index, x.size(axis));
  }
  ctx.save(index);
  return {y};
}

TensorList Gather::backward(Context& ctx, Inputs grads, const Options& options) {
  const Shape& x = ctx.input_shape(0);
  const int axis = normalize_axis(options.axis, x.rank(), "gather");
  return {apply<ScatterAdd>({{}, ctx.saved(0), grads[0]}, {axis, x[axis]})[0], {}};
}

TensorList Gather::reference(Inputs in, const Options& options) {
  const int axis = normalize_axis(options.axis, in[0].rank(), "gather");
  const Tensor x = on_host_f64(in[0]);
  const Tensor index = on_host_f64(in[1]);
  return {tabulate(index.shape(), in[0].dtype(), [&](Dims at) {
    at[axis] = int64_t(element(index, at));
    return element(x, at);
  })};
}

Tensor gather(const Tensor& x, int axis, const Tensor& index) { return apply<Gather>({x, index}, {axis})[0]; }

// scatter_add

OutputSpecs ScatterAdd::infer(Inputs in, const Options& options) {
  const auto& [x, index, src] = unpack<3>(in);
  const int axis = axis_of("scatter_add", options.axis, x, src);
  check_index_dtype("scatter_add", index);
  LV_CHECK_SHAPE(index.shape() == src.shape(), "scatter_add: index {} and src {} must have one shape", index.shape(),
                 src.shape());
  LV_CHECK_SHAPE(!x.defined() || x.rank() == src.rank(), "scatter_add: src {} and x {} must have as many axes",
                 src.shape(), x.shape());
  return infer_sum("scatter_add", x, src, axis, options.size, src.size(axis));
}

TensorList ScatterAdd::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [x, any_index, any_src] = unpack<3>(in);
  const int axis = axis_of("scatter_add", options.axis, x, any_src);
  const auto& [shape, dtype] = ctx.output_spec();
  const Tensor index = ctx.dense(any_index);
  const Tensor src = ctx.dense(any_src);
  check_index_range("scatter_add", index, shape[axis]);
  ctx.save(index);
  const Shape from = around(src.shape(), axis);
  const Shape to = around(shape, axis);
  // A device has a thread for each lane, and none to spare where there is one lane only: then by sorting.
  if (index.device().is_cuda() && from[0] * from[2] == 1) {
    const Tensor y = starting_sums(ctx, x, to, dtype);
    add_at_rows(ctx, src.view(from), index.view({-1}), y, kernels::kNone, false);
    return {y.view(shape)};
  }
  const DType sum_dtype = is_reduced(dtype) ? DType::f32 : dtype;
  const Tensor sums = starting_sums(ctx, x, to, sum_dtype);
  kernels::scatter_add({.src = cref(src.view(from)), .index = cref(index.view(from)), .y = ref(sums)}, ctx.stream());
  if (sum_dtype == dtype) {
    return {sums.view(shape)};
  }
  const Tensor y = ctx.new_output();
  kernels::copy({.x = cref(sums.view(shape)), .y = ref(y)}, ctx.stream());
  return {y};
}

TensorList ScatterAdd::backward(Context& ctx, Inputs grads, const Options& options) {
  TensorList result(3);
  if (ctx.needs_grad(0)) {
    result[0] = grads[0];
  }
  if (ctx.needs_grad(2)) {
    result[2] = apply<Gather>({grads[0], ctx.saved(0)}, {options.axis})[0];
  }
  return result;
}

TensorList ScatterAdd::reference(Inputs in, const Options& options) {
  const auto& [x, any_index, src] = unpack<3>(in);
  const int axis = axis_of("scatter_add", options.axis, x, src);
  const Tensor index = on_host_f64(any_index);
  return {sum_at_targets(x, src, infer(in, options)[0].shape, [&](Dims at) {
    at[axis] = int64_t(element(index, at));
    return std::optional(at);
  })};
}

Tensor scatter_add(const Tensor& x, int axis, const Tensor& index, const Tensor& src) {
  return apply<ScatterAdd>({x, index, src}, {axis})[0];
}

// index_select

namespace {

void check_index_rank(std::string_view op, const Tensor& index) {
  check_index_dtype(op, index);
  LV_CHECK_SHAPE(index.rank() == 1, "{}: index must be [n], got {}", op, index.shape());
}

/// y = the rows of x along an axis, both contiguous.
void take_rows(const Context& ctx, const Tensor& x, const Tensor& index, const Tensor& y, int axis, int64_t skip) {
  Shape to = around(x.shape(), axis);
  to[1] = index.numel();
  kernels::take_rows(
      {.x = cref(x.view(around(x.shape(), axis))), .index = cref(index.view({-1})), .y = ref(y.view(to)), .skip = skip},
      ctx.stream());
}

}  // namespace

OutputSpecs IndexSelect::infer(Inputs in, const Options& options) {
  const int axis = normalize_axis(options.axis, in[0].rank(), "index_select");
  check_index_rank("index_select", in[1]);
  Shape shape = in[0].shape();
  shape[axis] = in[1].size(0);
  return {{shape, in[0].dtype()}};
}

TensorList IndexSelect::forward(Context& ctx, Inputs in, const Options& options) {
  const int axis = normalize_axis(options.axis, in[0].rank(), "index_select");
  const Tensor x = ctx.dense(in[0]);
  const Tensor index = ctx.dense(in[1]);
  check_index_range("index_select", index, x.size(axis));
  const Tensor y = ctx.new_output();
  take_rows(ctx, x, index, y, axis, options.skip);
  ctx.save(index);
  return {y};
}

TensorList IndexSelect::backward(Context& ctx, Inputs grads, const Options& options) {
  const int axis = normalize_axis(options.axis, grads[0].rank(), "index_select");
  return {apply<IndexAdd>({{}, ctx.saved(0), grads[0]},
                          {axis, ctx.input_shape(0)[axis], options.skip, options.is_ascending})[0],
          {}};
}

TensorList IndexSelect::reference(Inputs in, const Options& options) {
  const int axis = normalize_axis(options.axis, in[0].rank(), "index_select");
  const Tensor x = on_host_f64(in[0]);
  const Tensor index = on_host_f64(in[1]);
  return {tabulate(infer(in, options)[0].shape, in[0].dtype(), [&](Dims at) {
    at[axis] = int64_t(element(index, {at[axis]}));
    return at[axis] == options.skip ? 0.0 : element(x, at);
  })};
}

Tensor index_select(const Tensor& x, int axis, const Tensor& index) {
  return apply<IndexSelect>({x, index}, {.axis = axis})[0];
}

// index_add

OutputSpecs IndexAdd::infer(Inputs in, const Options& options) {
  const auto& [x, index, src] = unpack<3>(in);
  const int axis = axis_of("index_add", options.axis, x, src);
  check_index_rank("index_add", index);
  return infer_sum("index_add", x, src, axis, options.size, index.size(0));
}

TensorList IndexAdd::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [x, any_index, any_src] = unpack<3>(in);
  const int axis = axis_of("index_add", options.axis, x, any_src);
  const auto& [shape, dtype] = ctx.output_spec();
  const Tensor index = ctx.dense(any_index);
  const Tensor src = ctx.dense(any_src);
  check_index_range("index_add", index, shape[axis]);
  const Tensor y = starting_sums(ctx, x, around(shape, axis), dtype);
  add_at_rows(ctx, src.view(around(src.shape(), axis)), index, y, options.skip, options.is_ascending);
  ctx.save(index);
  return {y.view(shape)};
}

TensorList IndexAdd::backward(Context& ctx, Inputs grads, const Options& options) {
  TensorList result(3);
  if (ctx.needs_grad(0)) {
    result[0] = grads[0];
  }
  if (ctx.needs_grad(2)) {
    result[2] = apply<IndexSelect>({grads[0], ctx.saved(0)}, {options.axis, options.skip, options.is_ascending})[0];
  }
  return result;
}

TensorList IndexAdd::reference(Inputs in, const Options& options) {
  const auto& [x, any_index, src] = unpack<3>(in);
  const int axis = axis_of("index_add", options.axis, x, src);
  const Tensor index = on_host_f64(any_index);
  return {sum_at_targets(x, src, infer(in, options)[0].shape, [&](Dims at) {
    at[axis] = int64_t(element(index, {at[axis]}));
    return at[axis] == options.skip ? std::nullopt : std::optional(at);
  })};
}

Tensor index_add(const Tensor& x, int axis, const Tensor& index, const Tensor& src) {
  return apply<IndexAdd>({x, index, src}, {.axis = axis})[0];
}

// embedding

OutputSpecs Embedding::infer(Inputs in, const Options& options) {
  const Tensor& weight = in[0];
  check_index_dtype("embedding", in[1]);
  LV_CHECK_SHAPE(weight.rank() == 2, "embedding: weight must be [rows, C], got {}", weight.shape());
  LV_CHECK_SHAPE(in[1].rank() < kMaxRank, "embedding: index {} has more than {} axes", in[1].shape(), kMaxRank - 1);
  LV_CHECK_SHAPE(options.padding_index < weight.size(0), "embedding: padding_index {} is not a row of weight {}",
                 options.padding_index, weight.shape());
  Shape shape = in[1].shape();
  shape.push_back(weight.size(1));
  return {{shape, weight.dtype()}};
}

TensorList Embedding::forward(Context& ctx, Inputs in, const Options&) {
  const Tensor weight = ctx.dense(in[0]);
  const Tensor index = ctx.dense(in[1]);
  check_index_range("embedding", index, weight.size(0));
  const Tensor y = ctx.new_output();
  take_rows(ctx, weight, index, y, 0, kernels::kNone);
  ctx.save(index);
  return {y};
}

TensorList Embedding::backward(Context& ctx, Inputs grads, const Options& options) {
  const Shape& weight = ctx.input_shape(0);
  const Tensor index = ctx.saved(0).view({-1});
  const Tensor rows = reshape(grads[0], {index.numel(), weight[1]});
  const int64_t skip = options.padding_index < 0 ? kernels::kNone : options.padding_index;
  return {apply<IndexAdd>({{}, index, rows}, {.axis = 0, .size = weight[0], .skip = skip})[0], {}};
}

TensorList Embedding::reference(Inputs in, const Options&) {
  const Tensor weight = on_host_f64(in[0]);
  const Tensor index = on_host_f64(in[1]);
  Shape shape = index.shape();
  shape.push_back(weight.size(1));
  return {tabulate(shape, in[0].dtype(),
                   [&](const Dims& at) { return element(weight, {int64_t(element(index, at)), at.back()}); })};
}

Tensor embedding(const Tensor& weight, const Tensor& index, int64_t padding_index) {
  return apply<Embedding>({weight, index}, {padding_index})[0];
}

// one_hot

OutputSpecs OneHot::infer(Inputs in, const Options& options) {
  check_index_dtype("one_hot", in[0]);
  LV_CHECK_SHAPE(in[0].rank() < kMaxRank, "one_hot: index {} has more than {} axes", in[0].shape(), kMaxRank - 1);
  LV_CHECK_SHAPE(options.classes >= 1, "one_hot: wants at least 1 class, got {} (index {})", options.classes,
                 in[0].shape());
  Shape shape = in[0].shape();
  shape.push_back(options.classes);
  return {{shape, options.dtype}};
}

TensorList OneHot::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor index = ctx.dense(in[0]);
  check_index_range("one_hot", index, options.classes);
  const Tensor y = ctx.new_output();
  kernels::one_hot({.index = cref(index.view({-1})), .y = ref(y.view({index.numel(), options.classes}))}, ctx.stream());
  return {y};
}

TensorList OneHot::backward(Context&, Inputs, const Options&) { return {{}}; }

TensorList OneHot::reference(Inputs in, const Options& options) {
  const Tensor index = on_host_f64(in[0]);
  return {tabulate(infer(in, options)[0].shape, options.dtype,
                   [&](const Dims& at) { return element(index, at) == double(at.back()) ? 1.0 : 0.0; })};
}

Tensor one_hot(const Tensor& index, int64_t classes, DType dtype) {
  return apply<OneHot>({index}, {classes, dtype})[0];
}

}  // namespace lv::ops
