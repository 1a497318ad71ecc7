#include "models/conv_norm.h"

#include <catch2/catch.hpp>

#include "autograd/autocast.h"
#include "autograd/grad_mode.h"
#include "tests/fixture_numbers.h"
#include "tests/models/record_fixture.h"

using namespace lv;

namespace {

/// Layers and inputs with nothing special about any number.
struct Scene {
  Scene() {
    layers.norm.weight.copy_from(test::fixture_tensor("weight", {6}, 1.5));
    layers.norm.bias.copy_from(test::fixture_tensor("bias", {6}));
    layers.norm.running_mean.copy_from(test::fixture_tensor("mean", {6}));
    layers.norm.running_var.copy_from(test::fixture_tensor("var", {6}, 0.8, 1.1));
    layers.norm.eval();
  }
  /// Through both layers one by one, which gradients demand.
  [[nodiscard]] std::vector<double> apart() { return test::torch_order(layers.forward_add_relu(x, residual)); }
  [[nodiscard]] std::vector<double> folded() {
    const autograd::NoGradGuard no_grad;
    return test::torch_order(layers.forward_add_relu(x, residual));
  }

  models::ConvNorm layers{4, 6, {.kernel = 3, .stride = 2, .groups = 2}};
  Tensor x = test::fixture_tensor("x", {2, 7, 5, 4});
  Tensor residual = test::fixture_tensor("residual", {2, 4, 3, 6});
};

constexpr double kFloatError = 2e-6;  // a sum of 18 products, scaled before or after

}  // namespace

TEST_CASE("a folded convolution follows every change of its layers") {
  Scene scene;
  const auto check = [&](const std::string& changed) {
    INFO(changed);
    CHECK(test::relative_distance(scene.folded(), scene.apart()) <= kFloatError);
  };
  check("nothing");
  for (const auto& [name, tensor] : {NamedTensor{"weight", scene.layers.norm.weight},
                                     {"bias", scene.layers.norm.bias},
                                     {"running_mean", scene.layers.norm.running_mean},
                                     {"running_var", scene.layers.norm.running_var},
                                     {"filters", scene.layers.conv.weight}}) {
    const std::vector<double> before = scene.folded();
    tensor.copy_from(test::fixture_tensor("other", tensor.shape(), 0.5, 1));
    CHECK(scene.folded() != before);
    check(name);
  }
  scene.layers.norm.train();
  static_cast<void>(scene.layers.forward(scene.x));
  scene.layers.norm.eval();
  check("a training step's statistics");
  scene.layers.conv.to(DType::f64);
  scene.layers.norm.to(DType::f64);
  scene.x = scene.x.to(DType::f64);
  scene.residual = scene.residual.to(DType::f64);
  CHECK(test::relative_distance(scene.folded(), scene.apart()) <= 1e-14);
}

TEST_CASE("a folded convolution obeys autocast") {
  Scene scene;
  const std::vector<double> exact = scene.folded();
  const autograd::AutocastGuard autocast(DType::bf16);
  CHECK(test::relative_distance(scene.folded(), exact) <= 2e-2);  // of eight bits
  const autograd::NoGradGuard no_grad;
  CHECK(scene.layers.forward(scene.x).dtype() == DType::bf16);
}
