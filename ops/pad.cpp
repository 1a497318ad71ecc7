#include "ops/pad.h"

#include <cstring>

#include "kernels/copy.h"
#include "kernels/pad.h"
#include "ops/resample_axis.h"

namespace lv::ops {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;

namespace {

/// The part of `padded` that lies between the pads.
Tensor inner_view(const Tensor& padded, const InlineVector<PadAmount, 4>& amounts) {
  Tensor view = padded;
  for (int i = 0; i < amounts.size(); ++i) {
    const int axis = padded.rank() - 1 - i;
    view = view.slice(axis, amounts[i].before, padded.size(axis) - amounts[i].after);
  }
  return view;
}

kernels::PadPlan plan_of(const Shape& x, const Shape& y, const InlineVector<PadAmount, 4>& amounts) {
  kernels::PadPlan plan;
  plan.add_axis(1, 1, 0);  // so that a scalar has one, too
  for (int axis = 0; axis < x.rank(); ++axis) {
    const int back = x.rank() - 1 - axis;
    plan.add_axis(x[axis], y[axis], back < amounts.size() ? amounts[back].before : 0);
  }
  return plan;
}

/// The bits of `value` as an element of `dtype`.
uint64_t element_bits(double value, DType dtype) {
  const Tensor element = Tensor::scalar(value, dtype);
  uint64_t bits = 0;
  std::memcpy(&bits, element.raw_data(), size_t(size_bytes(dtype)));
  return bits;
}

/// Which cell stands at position `at` of the continued axis.
int64_t mirrored_cell(int64_t at, int64_t size, Mirror mirror) {
  if (mirror == Mirror::replicate) {
    return std::clamp<int64_t>(at, 0, size - 1);
  }
  at = at < 0 ? -at : at;
  return at < size ? at : 2 * (size - 1) - at;
}

/// What the map of one axis follows from.
struct MirrorRule {
  int64_t size;
  PadAmount amount;
  Mirror mirror;
  bool is_transposed;

  auto operator<=>(const MirrorRule&) const = default;

  [[nodiscard]] AxisMap map() const {
    const int64_t out = size + amount.before + amount.after;
    AxisMap map{.in = size, .terms = std::vector<std::vector<AxisMap::Term>>(size_t(out))};
    for (int64_t o = 0; o < out; ++o) {
      map.add(o, mirrored_cell(o - amount.before, size, mirror), 1.0);
    }
    return is_transposed ? map.transposed() : map;
  }
};

struct Rules {
  MirrorRule height;
  MirrorRule width;
};

Rules rules_of(const Shape& x, const MirrorPad::Options& options) {
  const auto rule = [&](int64_t size, PadAmount amount) {
    const int64_t inner = options.is_transposed ? size - amount.before - amount.after : size;
    return MirrorRule{inner, amount, options.mirror, options.is_transposed};
  };
  return {rule(x[1], options.height), rule(x[2], options.width)};
}

void check_amount(const Shape& x, int64_t size, PadAmount amount, Mirror mirror) {
  LV_CHECK_SHAPE(amount.before >= 0 && amount.after >= 0, "pad_mirrored: amounts must not be negative, got {} and {}",
                 amount.before, amount.after);
  LV_CHECK_SHAPE(size >= 1 && (mirror == Mirror::replicate || std::max(amount.before, amount.after) < size),
                 "pad_mirrored: reflection needs amounts below the size, got {} and {} for {} cells (x {})",
                 amount.before, amount.after, size, x);
}

}  // namespace

// pad

OutputSpecs ConstantPad::infer(Inputs in, const Options& options) {
  Shape shape = in[0].shape();
  LV_CHECK_SHAPE(options.amounts.size() <= shape.rank(), "pad: {} amounts for shape {}", options.amounts.size(), shape);
  for (int i = 0; i < options.amounts.size(); ++i) {
    const auto [before, after] = options.amounts[i];
    LV_CHECK_SHAPE(before >= 0 && after >= 0, "pad: amounts must not be negative, got {} and {} for axis {} of {}",
                   before, after, shape.rank() - 1 - i, in[0].shape());
    shape[shape.rank() - 1 - i] += options.is_crop ? -(before + after) : before + after;
  }
  return {{shape, in[0].dtype()}};
}

TensorList ConstantPad::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor y = ctx.new_output();
  if (options.is_crop) {
    const Tensor inner = inner_view(in[0], options.amounts);
    kernels::copy({.x = kernels::cref(inner), .y = kernels::ref(y)}, ctx.stream());
    return {y};
  }
  const Tensor x = ctx.dense(in[0]);
  kernels::pad({.x = kernels::cref(x),
                .y = kernels::ref(y),
                .plan = plan_of(x.shape(), y.shape(), options.amounts),
                .value = element_bits(options.value, y.dtype())},
               ctx.stream());
  return {y};
}

TensorList ConstantPad::backward(Context&, Inputs grads, const Options& options) {
  return autograd::apply<ConstantPad>({grads[0]}, {options.amounts, 0.0, !options.is_crop});
}

TensorList ConstantPad::reference(Inputs in, const Options& options) {
  const Tensor x = in[0].to(DType::f64).contiguous();
  const Tensor y = Tensor::full(infer(in, options)[0].shape, options.value, DType::f64);
  const Tensor& larger = options.is_crop ? x : y;
  const Tensor& smaller = options.is_crop ? y : x;
  for (int64_t i = 0; i < smaller.numel(); ++i) {
    int64_t rest = i;
    int64_t at = 0;
    for (int axis = smaller.rank() - 1; axis >= 0; --axis) {
      const int back = smaller.rank() - 1 - axis;
      const int64_t before = back < options.amounts.size() ? options.amounts[back].before : 0;
      at += (rest % smaller.size(axis) + before) * larger.strides()[axis];
      rest /= smaller.size(axis);
    }
    y.data<double>()[options.is_crop ? i : at] = x.data<double>()[options.is_crop ? at : i];
  }
  return {y.to(in[0].dtype())};
}

Tensor pad(const Tensor& x, std::span<const PadAmount> amounts, double value) {
  ConstantPad::Options options{.amounts = {}, .value = value};
  for (const PadAmount& amount : amounts) {
    options.amounts.push_back(amount);
  }
  return autograd::apply<ConstantPad>({x}, options)[0];
}

// pad_mirrored

OutputSpecs MirrorPad::infer(Inputs in, const Options& options) {
  const Shape& x = in[0].shape();
  LV_CHECK_SHAPE(x.rank() == 4, "pad_mirrored: x must be [N, H, W, C], got {}", x);
  LV_CHECK_DTYPE(is_floating(in[0].dtype()), "pad_mirrored: x must be floating, got {}", in[0].dtype());
  const int64_t rows = options.height.before + options.height.after;
  const int64_t columns = options.width.before + options.width.after;
  if (options.is_transposed) {
    return {{{x[0], x[1] - rows, x[2] - columns, x[3]}, in[0].dtype()}};
  }
  check_amount(x, x[1], options.height, options.mirror);
  check_amount(x, x[2], options.width, options.mirror);
  return {{{x[0], x[1] + rows, x[2] + columns, x[3]}, in[0].dtype()}};
}

TensorList MirrorPad::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor x = ctx.dense(in[0]);
  const auto [height, width] = rules_of(x.shape(), options);
  return {apply_axis_rules(x, height, width)};
}

TensorList MirrorPad::backward(Context&, Inputs grads, const Options& options) {
  Options transposed = options;
  transposed.is_transposed = !options.is_transposed;
  return autograd::apply<MirrorPad>({grads[0]}, transposed);
}

TensorList MirrorPad::reference(Inputs in, const Options& options) {
  const auto [height, width] = rules_of(in[0].shape(), options);
  return {apply_axis_maps_plainly(in[0], height.map(), width.map())};
}

Tensor pad_mirrored(const Tensor& x, PadAmount height, PadAmount width, Mirror mirror) {
  return autograd::apply<MirrorPad>({x}, {height, width, mirror})[0];
}

}  // namespace lv::ops
