#include <cmath>
#include <numeric>
#include <random>

#include "tests/specs/harness.h"

namespace lv::specs {

std::vector<OpSpec>& all_specs() {
  static std::vector<OpSpec> specs;
  return specs;
}

Arg floats(const Shape& shape, double low, double high) { return {.shape = shape, .low = low, .high = high}; }
Arg positive(const Shape& shape) { return floats(shape, 0.25, 2.0); }
Arg distinct(const Shape& shape) { return {.shape = shape, .fill = Fill::distinct}; }
Arg avoiding(const Shape& shape, std::vector<double> kinks, double low, double high) {
  return {.shape = shape, .low = low, .high = high, .avoid = std::move(kinks)};
}
Arg integers(const Shape& shape, int64_t low, int64_t high) {
  return {.shape = shape, .fill = Fill::integers, .low = double(low), .high = double(high), .dtype = DType::i64};
}
Arg mask(const Shape& shape) {
  return {.shape = shape, .fill = Fill::integers, .low = 0, .high = 2, .dtype = DType::boolean};
}
Arg absent() { return {.fill = Fill::absent}; }

Tolerance Tolerance::accumulate(double terms) { return {4.0 * std::max(1.0, std::sqrt(terms))}; }

namespace {

uint64_t hash(std::string_view text, uint64_t seed) {
  uint64_t h = 1469598103934665603ULL ^ seed;
  for (const char c : text) {
    h = (h ^ uint64_t(uint8_t(c))) * 1099511628211ULL;
  }
  return h;
}

double push_away(double value, const std::vector<double>& kinks) {
  constexpr double kMargin = 0.05;
  for (const double kink : kinks) {
    if (std::abs(value - kink) < kMargin) {
      value = kink + (value < kink ? -kMargin : kMargin);
    }
  }
  return value;
}

std::vector<double> draw(const Arg& arg, std::mt19937_64& random) {
  const auto count = size_t(numel(arg.shape));
  std::vector<double> values(count);
  if (arg.fill == Fill::distinct) {
    std::iota(values.begin(), values.end(), 0.0);
    std::shuffle(values.begin(), values.end(), random);
    // Further apart than a gradient check moves them.
    const double step = std::max((arg.high - arg.low) / double(std::max<size_t>(count, 2) - 1), 0.02);
    for (double& value : values) {
      value = arg.low + step * value;
    }
    return values;
  }
  for (double& value : values) {
    const double unit = double(random() >> 11) * 0x1p-53;
    const double drawn = arg.low + (arg.high - arg.low) * unit;
    value = arg.fill == Fill::integers ? std::floor(drawn) : push_away(drawn, arg.avoid);
  }
  return values;
}

Tensor relayout(const Tensor& tensor, Layout layout) {
  const Shape& shape = tensor.shape();
  const int rank = shape.rank();
  if (layout == Layout::transposed && rank >= 2) {
    return tensor.transpose(0, rank - 1).clone().transpose(0, rank - 1);
  }
  if (layout == Layout::sliced && rank >= 1) {
    Shape larger = shape;
    larger[rank - 1] = 2 * shape[rank - 1] + 3;
    const Tensor view = Tensor::zeros(larger, tensor.dtype()).slice(rank - 1, 1, 1 + 2 * shape[rank - 1], 2);
    view.copy_from(tensor);
    return view;
  }
  if (layout == Layout::broadcast && rank >= 1 && shape[0] > 1) {
    return tensor.slice(0, 0, 1).clone().expand(shape);
  }
  return tensor;
}

}  // namespace

TensorList make_inputs(const Case& spec_case, DType dtype, uint64_t seed) {
  TensorList inputs;
  for (size_t i = 0; i < spec_case.args.size(); ++i) {
    const Arg& arg = spec_case.args[i];
    if (arg.fill == Fill::absent) {
      inputs.push_back({});
      continue;
    }
    std::mt19937_64 random(hash(spec_case.name, seed * 1000 + i));
    inputs.push_back(Tensor::from(draw(arg, random), arg.shape).to(arg.dtype.value_or(dtype)));
  }
  return inputs;
}

TensorList with_layout(Inputs inputs, Layout layout, const Case& spec_case) {
  TensorList result;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const bool keeps_values =
        layout != Layout::broadcast || (!spec_case.args[i].dtype && spec_case.args[i].fill == Fill::uniform);
    result.push_back(inputs[i].defined() && keeps_values ? relayout(inputs[i], layout) : inputs[i]);
  }
  return result;
}

TensorList to_device(Inputs inputs, Device device) {
  TensorList result;
  for (const Tensor& input : inputs) {
    result.push_back(input.defined() ? input.to(device) : input);
  }
  return result;
}

TensorList to_dtype(Inputs inputs, DType dtype) {
  TensorList result;
  for (const Tensor& input : inputs) {
    result.push_back(input.defined() && is_floating(input.dtype()) ? input.to(dtype) : input);
  }
  return result;
}

TensorList make_cotangents(Inputs outputs, uint64_t seed) {
  TensorList cotangents;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].defined() || !outputs[i].requires_grad()) {
      cotangents.push_back({});
      continue;
    }
    std::mt19937_64 random(hash("cotangent", seed * 1000 + i));
    std::vector<double> values = draw(floats(outputs[i].shape()), random);
    for (double& value : values) {
      value = std::round(value * 128) / 128;  // the same number in every floating dtype
    }
    cotangents.push_back(Tensor::from(values, outputs[i].shape()).to(outputs[i].dtype()).to(outputs[i].device()));
  }
  return cotangents;
}

}  // namespace lv::specs
