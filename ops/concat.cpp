// Tensors cut apart and put together: split, concat and their kin of ops/shape.h.

#include "kernels/concat.h"
#include "ops/shape_definitions.h"
#include "ops/tabulate.h"

namespace lv::ops {

using autograd::apply;
using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;

namespace {

/// The device of gradients of which at least one is defined.
Device device_of(Inputs grads) {
  return std::find_if(grads.begin(), grads.end(), [](const Tensor& grad) { return grad.defined(); })->device();
}

}  // namespace

// split

OutputSpecs Split::infer(Inputs in, const Options& options) {
  const Shape& x = in[0].shape();
  const int axis = normalize_axis(options.axis, x.rank(), "split");
  OutputSpecs specs;
  int64_t total = 0;
  for (const int64_t size : options.sizes) {
    LV_CHECK_SHAPE(size >= 0, "split: sizes must not be negative, got {} (axis {} of x {})", size, axis, x);
    Shape shape = x;
    shape[axis] = size;
    specs.push_back({shape, in[0].dtype()});
    total += size;
  }
  LV_CHECK_SHAPE(total == x[axis], "split: sizes {} add up to {}, axis {} of x {} has {}",
                 fmt::join(options.sizes.begin(), options.sizes.end(), "+"), total, axis, x, x[axis]);
  return specs;
}

TensorList Split::forward(Context&, Inputs in, const Options& options) {
  TensorList parts;
  parts.reserve(options.sizes.size());
  int64_t begin = 0;
  for (const int64_t size : options.sizes) {
    parts.push_back(in[0].slice(options.axis, begin, begin + size));
    begin += size;
  }
  return parts;
}

TensorList Split::backward(Context& ctx, Inputs grads, const Options& options) {
  TensorList parts;
  for (size_t i = 0; i < grads.size(); ++i) {
    const auto& [shape, dtype] = ctx.output_spec(int(i));
    parts.push_back(grads[i].defined() ? grads[i] : Tensor::zeros(shape, dtype, device_of(grads)));
  }
  return apply<Concat>(parts, {options.axis});
}

TensorList Split::reference(Inputs in, const Options& options) {
  const Tensor x = on_host_f64(in[0]);
  const int axis = normalize_axis(options.axis, x.rank(), "split");
  TensorList parts;
  int64_t begin = 0;
  for (const auto& [shape, dtype] : infer(in, options)) {
    parts.push_back(tabulate(shape, dtype, [&](Dims at) {
      at[axis] += begin;
      return element(x, at);
    }));
    begin += shape[axis];
  }
  return parts;
}

std::vector<Tensor> split(const Tensor& x, std::span<const int64_t> sizes, int axis) {
  Split::Options options;
  options.axis = axis;
  for (const int64_t size : sizes) {
    options.sizes.push_back(size);
  }
  TensorList parts = apply<Split>({x}, options);
  return {parts.begin(), parts.end()};
}

std::vector<Tensor> split(const Tensor& x, int64_t size, int axis) {
  axis = normalize_axis(axis, x.rank(), "split");
  LV_CHECK_SHAPE(size >= 1, "split: the size of a part must be at least 1, got {} (axis {} of x {})", size, axis,
                 x.shape());
  std::vector<int64_t> sizes;
  int64_t left = x.size(axis);
  do {
    sizes.push_back(std::min(size, left));
    left -= sizes.back();
  } while (left > 0);
  return split(x, sizes, axis);
}

std::vector<Tensor> chunk(const Tensor& x, int count, int axis) {
  axis = normalize_axis(axis, x.rank(), "chunk");
  LV_CHECK_SHAPE(count >= 1, "chunk: wants at least 1 part, got {} (axis {} of x {})", count, axis, x.shape());
  return split(x, std::max<int64_t>((x.size(axis) + count - 1) / count, 1), axis);
}

// concat

OutputSpecs Concat::infer(Inputs in, const Options& options) {
  LV_CHECK_SHAPE(!in.empty(), "concat: wants at least one tensor");
  const Shape& first = in[0].shape();
  const int axis = normalize_axis(options.axis, first.rank(), "concat");
  Shape shape = first;
  shape[axis] = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    LV_CHECK_DTYPE(in[i].dtype() == in[0].dtype(), "concat: dtypes differ: {} and, of tensor {}, {}; cast one of them",
                   in[0].dtype(), i, in[i].dtype());
    Shape aligned = in[i].shape();
    const bool has_axis = aligned.rank() == first.rank();
    if (has_axis) {
      aligned[axis] = first[axis];
    }
    LV_CHECK_SHAPE(has_axis && aligned == first, "concat: tensor {} is {}, tensor 0 is {}; only axis {} may differ", i,
                   in[i].shape(), first, axis);
    shape[axis] += in[i].size(axis);
  }
  return {{shape, in[0].dtype()}};
}

TensorList Concat::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor y = ctx.new_output();
  std::vector<kernels::ConstTensorRef> parts;
  parts.reserve(in.size());
  std::transform(in.begin(), in.end(), std::back_inserter(parts), kernels::cref);
  kernels::concat({.parts = parts, .y = kernels::ref(y), .axis = normalize_axis(options.axis, y.rank(), kName)},
                  ctx.stream());
  return {y};
}

TensorList Concat::backward(Context& ctx, Inputs grads, const Options& options) {
  TensorList parts(ctx.input_count());
  const int axis = normalize_axis(options.axis, grads[0].rank(), "concat");
  int64_t begin = 0;
  for (int i = 0; i < ctx.input_count(); ++i) {
    const int64_t end = begin + ctx.input_shape(i)[axis];
    if (ctx.needs_grad(i)) {
      parts[i] = slice(grads[0], axis, begin, end);
    }
    begin = end;
  }
  return parts;
}

TensorList Concat::reference(Inputs in, const Options& options) {
  const auto [shape, dtype] = infer(in, options)[0];
  const int axis = normalize_axis(options.axis, shape.rank(), "concat");
  TensorList hosts;
  for (const Tensor& x : in) {
    hosts.push_back(on_host_f64(x));
  }
  return {tabulate(shape, dtype, [&](Dims at) {
    int part = 0;
    while (at[axis] >= hosts[part].size(axis)) {
      at[axis] -= hosts[part++].size(axis);
    }
    return element(hosts[part], at);
  })};
}

Tensor concat(std::span<const Tensor> tensors, int axis) { return apply<Concat>(tensors, {axis})[0]; }

Tensor stack(std::span<const Tensor> tensors, int axis) {
  LV_CHECK_SHAPE(!tensors.empty(), "stack: wants at least one tensor");
  axis = normalize_axis(axis, tensors[0].rank() + 1, "stack");
  TensorList layers;
  for (const Tensor& x : tensors) {
    LV_CHECK_SHAPE(x.shape() == tensors[0].shape(), "stack: all tensors must have one shape, got {} and {}",
                   tensors[0].shape(), x.shape());
    layers.push_back(unsqueeze(x, axis));
  }
  return concat({layers.begin(), size_t(layers.size())}, axis);
}

}  // namespace lv::ops
