#include "nn/linear.h"

#include <cmath>
#include <numeric>

#include "nn/init.h"
#include "ops/matmul.h"
#include "ops/norm.h"

namespace lv::nn {

namespace {

Tensor make_bias(int64_t in, int64_t out) {
  const Tensor bias = Tensor::empty({out});
  const double limit = 1.0 / std::sqrt(double(in));
  init::uniform(bias, -limit, limit);
  return bias;
}

}  // namespace

Linear::Linear(int64_t in, int64_t out, bool has_bias) : weight(Tensor::empty({out, in})) {
  init::kaiming_uniform(weight, std::sqrt(5.0));
  add_parameter("weight", weight);
  if (has_bias) {
    bias = make_bias(in, out);
    add_parameter("bias", bias);
  }
}

Tensor Linear::forward(const Tensor& x) const {
  return run_layer("Linear", x, [&] { return ops::linear(x, weight, bias); });
}

int64_t Linear::multiply_adds(const Shape& /*input*/, const Shape& output) const {
  return numel(output) * weight.size(1);
}

WeightNormLinear::WeightNormLinear(int64_t in, int64_t out, bool has_bias)
    : weight_g(Tensor::empty({out, 1})), weight_v(Tensor::empty({out, in})) {
  init::kaiming_uniform(weight_v, std::sqrt(5.0));
  const auto* v = weight_v.data<float>();
  for (int64_t row = 0; row < out; ++row) {
    const double square = std::inner_product(v + row * in, v + (row + 1) * in, v + row * in, 0.0);
    weight_g.data<float>()[row] = float(std::sqrt(square));
  }
  if (has_bias) {
    bias = make_bias(in, out);
    add_parameter("bias", bias);
  }
  add_parameter("weight_g", weight_g);
  add_parameter("weight_v", weight_v);
}

Tensor WeightNormLinear::forward(const Tensor& x) const {
  return run_layer("WeightNormLinear", x, [&] { return ops::linear(x, ops::weight_norm(weight_v, weight_g), bias); });
}

int64_t WeightNormLinear::multiply_adds(const Shape& /*input*/, const Shape& output) const {
  return numel(output) * weight_v.size(1);
}

}  // namespace lv::nn
