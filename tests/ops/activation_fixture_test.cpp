// Activations and softmax against PyTorch's outputs and gradients, kinks, infinities and large values among them.

#include <catch2/catch.hpp>

#include "ops/elementwise.h"
#include "ops/softmax.h"
#include "tests/ops/op_fixture.h"

using namespace lv;
using lv::test::OpFixture;

TEST_CASE("activations and softmax equal PyTorch's") {
  const OpFixture fixture("ops/activation_attention.safetensors");
  using Function = std::function<Tensor(const Tensor&)>;
  const std::map<std::string, Function> cases{
      {"gelu_exact", ops::gelu},
      {"gelu_tanh", ops::gelu_tanh},
      {"gelu_exact_u", ops::gelu},
      {"gelu_tanh_u", ops::gelu_tanh},
      {"silu", ops::silu},
      {"softplus", [](const Tensor& x) { return ops::softplus(x); }},
      {"sigmoid", ops::sigmoid},
      {"relu", ops::relu},
      {"leaky_relu", [](const Tensor& x) { return ops::leaky_relu(x); }},
      {"hardswish", ops::hardswish},
      {"softmax_large", [](const Tensor& x) { return ops::softmax(x); }},
      {"log_softmax_large", [](const Tensor& x) { return ops::log_softmax(x); }},
      {"softmax_dim1", [](const Tensor& x) { return ops::softmax(x, 1); }},
  };
  for (const auto& [name, function] : cases) {
    DYNAMIC_SECTION(name) {
      fixture.check(name, {}, [&](const OpFixture::Named& in) { return function(in.at("x")); });
    }
  }
}
