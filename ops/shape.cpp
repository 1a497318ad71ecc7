#include "ops/shape.h"

#include "kernels/copy.h"
#include "kernels/slice_backward.h"
#include "ops/index_support.h"
#include "ops/shape_definitions.h"
#include "ops/tabulate.h"

namespace lv::ops {

using autograd::apply;
using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;

namespace {

void copy_into(const Tensor& from, const Tensor& to, Stream stream) {
  kernels::copy({.x = kernels::cref(from), .y = kernels::ref(to)}, stream);
}

}  // namespace

// reshape

OutputSpecs Reshape::infer(Inputs in, const Options& options) {
  const Shape& from = in[0].shape();
  Shape shape = options.shape;
  int64_t known = 1;
  int unknown = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == -1) {
      LV_CHECK_SHAPE(unknown < 0, "reshape: only one size may be -1, got {} for x {}", shape, from);
      unknown = i;
    } else {
      LV_CHECK_SHAPE(shape[i] >= 0, "reshape: sizes must not be negative, got {} for x {}", shape, from);
      known *= shape[i];
    }
  }
  const int64_t count = numel(from);
  if (unknown >= 0 && known > 0) {
    shape[unknown] = count / known;
  }
  LV_CHECK_SHAPE(numel(shape) == count && (unknown < 0 || known > 0), "reshape: x {} of {} elements does not fit {}",
                 from, count, options.shape);
  return {{shape, in[0].dtype()}};
}

TensorList Reshape::forward(Context& ctx, Inputs in, const Options&) {
  const Shape& shape = ctx.output_spec().shape;
  return {(in[0].can_view(shape) ? in[0] : ctx.dense(in[0])).view(shape)};
}

TensorList Reshape::backward(Context& ctx, Inputs grads, const Options&) {
  return {reshape(grads[0], ctx.input_shape(0))};
}

TensorList Reshape::reference(Inputs in, const Options& options) {
  const Tensor x = on_host_f64(in[0]);
  const double* next = x.data<double>();
  return {tabulate(infer(in, options)[0].shape, in[0].dtype(), [&](const Dims&) { return *next++; })};
}

Tensor reshape(const Tensor& x, const Shape& shape) { return x.shape() == shape ? x : apply<Reshape>({x}, {shape})[0]; }

Tensor view(const Tensor& x, const Shape& shape) {
  const Tensor same[] = {x};
  const Shape wanted = Reshape::infer(same, {shape})[0].shape;
  LV_CHECK_SHAPE(x.can_view(wanted), "view: x {} with strides {} does not show as {} without a copy; use reshape",
                 x.shape(), x.strides(), wanted);
  return reshape(x, wanted);
}

Tensor flatten(const Tensor& x, int first, int last) {
  if (x.rank() == 0) {
    return reshape(x, {1});
  }
  first = normalize_axis(first, x.rank(), "flatten");
  last = normalize_axis(last, x.rank(), "flatten");
  LV_CHECK_SHAPE(first <= last, "flatten: axis {} lies behind axis {} of x {}", first, last, x.shape());
  Shape shape;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (axis > first && axis <= last) {
      shape[first] *= x.size(axis);
    } else {
      shape.push_back(x.size(axis));
    }
  }
  return reshape(x, shape);
}

Tensor squeeze(const Tensor& x, int axis) {
  axis = normalize_axis(axis, x.rank(), "squeeze");
  LV_CHECK_SHAPE(x.size(axis) == 1, "squeeze: axis {} of x {} has size {}, not 1", axis, x.shape(), x.size(axis));
  Shape shape = x.shape();
  shape.erase(axis);
  return reshape(x, shape);
}

Tensor unsqueeze(const Tensor& x, int axis) {
  Shape shape = x.shape();
  shape.insert(normalize_axis(axis, x.rank() + 1, "unsqueeze"), 1);
  return reshape(x, shape);
}

// permute

OutputSpecs Permute::infer(Inputs in, const Options& options) {
  const Shape& x = in[0].shape();
  LV_CHECK_SHAPE(options.axes.rank() == x.rank(), "permute: {} axes {} for x {}", options.axes.rank(), options.axes, x);
  Shape shape = x;
  unsigned seen = 0;
  for (int i = 0; i < x.rank(); ++i) {
    const int axis = normalize_axis(int(options.axes[i]), x.rank(), "permute");
    seen |= 1U << axis;
    shape[i] = x[axis];
  }
  LV_CHECK_SHAPE(seen + 1 == 1U << x.rank(), "permute: axes {} must name every axis of x {} once", options.axes, x);
  return {{shape, in[0].dtype()}};
}

TensorList Permute::forward(Context&, Inputs in, const Options& options) {
  InlineVector<int, kMaxRank> axes;
  for (const int64_t axis : options.axes) {
    axes.push_back(int(axis));
  }
  return {in[0].permute({axes.begin(), axes.end()})};
}

TensorList Permute::backward(Context&, Inputs grads, const Options& options) {
  const int rank = options.axes.rank();
  Dims inverse = options.axes;
  for (int i = 0; i < rank; ++i) {
    inverse[normalize_axis(int(options.axes[i]), rank, "permute")] = i;
  }
  return apply<Permute>({grads[0]}, {inverse});
}

TensorList Permute::reference(Inputs in, const Options& options) {
  const Tensor x = on_host_f64(in[0]);
  Dims from = Dims::filled(x.rank(), 0);
  return {tabulate(infer(in, options)[0].shape, in[0].dtype(), [&](const Dims& at) {
    for (int i = 0; i < x.rank(); ++i) {
      from[int((options.axes[i] + x.rank()) % x.rank())] = at[i];
    }
    return element(x, from);
  })};
}

Tensor permute(const Tensor& x, std::span<const int> axes) {
  Permute::Options options;
  for (const int axis : axes) {
    options.axes.push_back(axis);
  }
  return apply<Permute>({x}, options)[0];
}

Tensor transpose(const Tensor& x, int axis_a, int axis_b) {
  axis_a = normalize_axis(axis_a, x.rank(), "transpose");
  axis_b = normalize_axis(axis_b, x.rank(), "transpose");
  Permute::Options options;
  for (int axis = 0; axis < x.rank(); ++axis) {
    options.axes.push_back(axis);
  }
  std::swap(options.axes[axis_a], options.axes[axis_b]);
  return apply<Permute>({x}, options)[0];
}

// slice

namespace {

/// A slice of an axis with all limits inside.
struct Range {
  int axis;
  int64_t begin;
  int64_t end;

  [[nodiscard]] int64_t count(int64_t step) const { return (end - begin + step - 1) / step; }
};

Range resolve(const Slice::Options& options, const Shape& x) {
  const int axis = normalize_axis(options.axis, x.rank(), "slice");
  LV_CHECK_SHAPE(options.step >= 1, "slice: the step must be at least 1, got {} (axis {} of x {})", options.step, axis,
                 x);
  const auto inside = [size = x[axis]](int64_t limit) {
    return std::clamp<int64_t>(limit < 0 ? limit + size : limit, 0, size);
  };
  const int64_t begin = inside(options.begin);
  return {axis, begin, std::max(inside(options.end), begin)};
}

}  // namespace

OutputSpecs Slice::infer(Inputs in, const Options& options) {
  Shape shape = in[0].shape();
  const Range range = resolve(options, shape);
  shape[range.axis] = range.count(options.step);
  return {{shape, in[0].dtype()}};
}

TensorList Slice::forward(Context&, Inputs in, const Options& options) {
  const Range range = resolve(options, in[0].shape());
  return {in[0].slice(range.axis, range.begin, range.end, options.step)};
}

TensorList Slice::backward(Context& ctx, Inputs grads, const Options& options) {
  return apply<SliceBackward>({grads[0]}, {ctx.input_shape(0), options});
}

TensorList Slice::reference(Inputs in, const Options& options) {
  const Tensor x = on_host_f64(in[0]);
  const Range range = resolve(options, x.shape());
  return {tabulate(infer(in, options)[0].shape, in[0].dtype(), [&](Dims at) {
    at[range.axis] = range.begin + at[range.axis] * options.step;
    return element(x, at);
  })};
}

OutputSpecs SliceBackward::infer(Inputs in, const Options& options) {
  Shape wanted = options.shape;
  const Range range = resolve(options.slice, wanted);
  wanted[range.axis] = range.count(options.slice.step);
  LV_CHECK_SHAPE(in[0].shape() == wanted, "slice_backward: the gradient must be {}, got {} (x {})", wanted,
                 in[0].shape(), options.shape);
  return {{options.shape, in[0].dtype()}};
}

TensorList SliceBackward::forward(Context& ctx, Inputs in, const Options& options) {
  const Range range = resolve(options.slice, options.shape);
  const Tensor grad = ctx.dense(in[0]);
  const Tensor dx = ctx.new_output();
  kernels::slice_backward({.grad = kernels::cref(grad.view(around(grad.shape(), range.axis))),
                           .dx = kernels::ref(dx.view(around(options.shape, range.axis))),
                           .begin = range.begin,
                           .step = options.slice.step},
                          ctx.stream());
  return {dx};
}

TensorList SliceBackward::backward(Context&, Inputs grads, const Options& options) {
  return apply<Slice>({grads[0]}, options.slice);
}

TensorList SliceBackward::reference(Inputs in, const Options& options) {
  const Tensor grad = on_host_f64(in[0]);
  const Range range = resolve(options.slice, options.shape);
  return {tabulate(options.shape, in[0].dtype(), [&](Dims at) {
    const int64_t place = at[range.axis];
    const bool is_chosen = place >= range.begin && place < range.end && (place - range.begin) % options.slice.step == 0;
    at[range.axis] = (place - range.begin) / options.slice.step;
    return is_chosen ? element(grad, at) : 0.0;
  })};
}

Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end, int64_t step) {
  return apply<Slice>({x}, {axis, begin, end, step})[0];
}

Tensor select(const Tensor& x, int axis, int64_t index) {
  axis = normalize_axis(axis, x.rank(), "select");
  const int64_t size = x.size(axis);
  LV_CHECK_SHAPE(index >= -size && index < size, "select: index {} is outside [-{}, {}) (axis {} of x {})", index, size,
                 size, axis, x.shape());
  index = index < 0 ? index + size : index;
  return squeeze(slice(x, axis, index, index + 1), axis);
}

// flip

OutputSpecs Flip::infer(Inputs in, const Options&) { return {{in[0].shape(), in[0].dtype()}}; }

TensorList Flip::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor y = ctx.new_output();
  kernels::ConstTensorRef x = kernels::cref(in[0]);
  int64_t last = 0;  // offset of the element that comes first
  for (int axis = 0; axis < x.rank() && y.numel() > 0; ++axis) {
    if ((options.axes >> axis & 1U) != 0) {
      last += (x.shape[axis] - 1) * x.strides[axis];
      x.strides[axis] = -x.strides[axis];
    }
  }
  x.data = static_cast<const std::byte*>(x.data) + last * size_bytes(x.dtype);
  kernels::copy({.x = x, .y = kernels::ref(y)}, ctx.stream());
  return {y};
}

TensorList Flip::backward(Context&, Inputs grads, const Options& options) { return apply<Flip>({grads[0]}, options); }

TensorList Flip::reference(Inputs in, const Options& options) {
  const Tensor x = on_host_f64(in[0]);
  return {tabulate(x.shape(), in[0].dtype(), [&](Dims at) {
    for (int axis = 0; axis < x.rank(); ++axis) {
      at[axis] = (options.axes >> axis & 1U) != 0 ? x.size(axis) - 1 - at[axis] : at[axis];
    }
    return element(x, at);
  })};
}

Tensor flip(const Tensor& x, std::span<const int> axes) {
  Flip::Options options;
  for (const int axis : axes) {
    options.axes |= 1U << normalize_axis(axis, x.rank(), "flip");
  }
  return apply<Flip>({x}, options)[0];
}

// roll

namespace {

/// Copies x into y, moved from `axis` on: each axis falls into two runs, so k moved axes give 2^k blocks.
void copy_rolled(const Tensor& x, const Tensor& y, const Dims& shifts, int axis, Stream stream) {
  if (axis == x.rank()) {
    copy_into(x, y, stream);
    return;
  }
  const int64_t size = x.size(axis);
  const int64_t shift = shifts[axis];
  copy_rolled(x.slice(axis, 0, size - shift), y.slice(axis, shift, size), shifts, axis + 1, stream);
  if (shift > 0) {
    copy_rolled(x.slice(axis, size - shift, size), y.slice(axis, 0, shift), shifts, axis + 1, stream);
  }
}

}  // namespace

OutputSpecs Roll::infer(Inputs in, const Options& options) {
  LV_CHECK_SHAPE(options.shifts.rank() == in[0].rank(), "roll: {} shifts for x {}", options.shifts.rank(),
                 in[0].shape());
  return {{in[0].shape(), in[0].dtype()}};
}

TensorList Roll::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor y = ctx.new_output();
  if (y.numel() > 0) {
    copy_rolled(in[0], y, options.shifts, 0, ctx.stream());
  }
  return {y};
}

TensorList Roll::backward(Context& ctx, Inputs grads, const Options& options) {
  Dims back = options.shifts;
  for (int axis = 0; axis < back.rank(); ++axis) {
    back[axis] = back[axis] == 0 ? 0 : ctx.input_shape(0)[axis] - back[axis];
  }
  return apply<Roll>({grads[0]}, {back});
}

TensorList Roll::reference(Inputs in, const Options& options) {
  const Tensor x = on_host_f64(in[0]);
  return {tabulate(x.shape(), in[0].dtype(), [&](Dims at) {
    for (int axis = 0; axis < x.rank(); ++axis) {
      at[axis] = (at[axis] + x.size(axis) - options.shifts[axis]) % x.size(axis);
    }
    return element(x, at);
  })};
}

Tensor roll(const Tensor& x, std::span<const int64_t> shifts, std::span<const int> axes) {
  LV_CHECK_SHAPE(shifts.size() == axes.size(), "roll: {} shifts for {} axes (x {})", shifts.size(), axes.size(),
                 x.shape());
  Roll::Options options{Dims::filled(x.rank(), 0)};
  for (size_t i = 0; i < axes.size(); ++i) {
    const int axis = normalize_axis(axes[i], x.rank(), "roll");
    const int64_t size = std::max<int64_t>(x.size(axis), 1);
    options.shifts[axis] = ((options.shifts[axis] + shifts[i]) % size + size) % size;
  }
  return apply<Roll>({x}, options)[0];
}

}  // namespace lv::ops
