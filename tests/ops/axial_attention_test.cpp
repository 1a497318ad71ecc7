// Axial attention where rounding is hardest, against its composed reference in float64.

#include "ops/axial_attention.h"

#include <catch2/catch.hpp>

#include "autograd/engine.h"
#include "core/allocator.h"
#include "tests/fixture_numbers.h"

using namespace lv;
using ops::AxialAttention;

namespace {

double relative_distance(const Tensor& got, const Tensor& want) {
  const std::vector<double> a = got.to(DType::f64).to_vector<double>();
  const std::vector<double> b = want.to_vector<double>();
  double distance = 0;
  double scale = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    distance = std::max(distance, std::abs(a[i] - b[i]));
    scale = std::max(scale, std::abs(b[i]));
  }
  return distance / scale;
}

/// Outputs and gradients of the op in `dtype` equal those of the reference in float64 to `allowed`.
void check(const TensorList& inputs, const AxialAttention::Options& options, DType dtype, double allowed) {
  const auto gradients = [&](DType type, auto function) {
    TensorList leaves;
    std::vector<Tensor> wanted;
    for (const Tensor& input : inputs) {
      leaves.push_back(input.to(type).detach());
      leaves[leaves.size() - 1].set_requires_grad();
      wanted.push_back(leaves[leaves.size() - 1]);
    }
    const Tensor out = function(leaves);
    const Tensor seed = test::fixture_tensor("cotangent", out.shape()).to(type);
    std::vector<Tensor> result = autograd::grad({&out, 1}, wanted, {&seed, 1});
    result.push_back(out.detach());
    return result;
  };
  const auto got =
      gradients(dtype, [&](const TensorList& in) { return autograd::apply<AxialAttention>(in, options)[0]; });
  const auto want =
      gradients(DType::f64, [&](const TensorList& in) { return AxialAttention::reference(in, options)[0]; });
  for (size_t i = 0; i < got.size(); ++i) {
    INFO("tensor " << i << " in " << name(dtype));
    CHECK(relative_distance(got[i], want[i]) <= allowed);
  }
}

}  // namespace

TEST_CASE("axial attention subtracts the largest logit where all are far from zero") {
  const TensorList inputs{test::fixture_tensor("qkv", {1, 6, 4, 16}, 0.5, 9.0),
                          test::fixture_tensor("relative", {8, 11}, 1.0)};
  check(inputs, {.terms = {.heads = 2}}, DType::f64, 1e-11);
  check(inputs, {.terms = {.heads = 2}}, DType::f32, 1e-4);  // logits of 330 have an error of 1.5e-5
}

TEST_CASE("axial attention keeps its statistics where q and k have a large common offset") {
  const TensorList inputs{test::fixture_tensor("qkv", {2, 9, 3, 32}, 1.0, 50.0),
                          test::fixture_tensor("relative", {16, 17}), test::fixture_tensor("weight", {6}, 0.25, 1.0)};
  check(inputs, {.terms = {.heads = 2}}, DType::f64, 1e-9);
  check(inputs, {.terms = {.heads = 2}}, DType::f32, 1e-3);
}

TEST_CASE("axial attention takes less than eight times its input's memory, forward and backward together") {
  const Tensor qkv = test::fixture_tensor("qkv", {1, 129, 129, 64});
  const Tensor relative = test::fixture_tensor("relative", {8, 257});
  const Tensor weight = test::fixture_tensor("weight", {24}, 0.25, 1.0);
  for (const Tensor& input : {qkv, relative, weight}) {
    input.set_requires_grad();
  }
  const Tensor seed = test::fixture_tensor("cotangent", {1, 129, 129, 64});
  Allocator& memory = allocator(Device::cpu());
  memory.reset_peak();
  const int64_t before = memory.stats().allocated_bytes;
  const Tensor out = autograd::apply<AxialAttention>({qkv, relative, weight})[0];
  out.backward(seed);
  CHECK(memory.stats().peak_allocated_bytes - before < 8 * qkv.size_bytes());
  CHECK(memory.stats().peak_allocated_bytes - before > 2 * qkv.size_bytes());  // the counter counts
}
