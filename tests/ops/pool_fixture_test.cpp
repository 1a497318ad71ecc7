// Pooling against PyTorch's outputs and gradients.

#include <catch2/catch.hpp>

#include "ops/pool.h"
#include "tests/ops/op_fixture.h"

using namespace lv;
using namespace lv::ops;
using lv::test::OpFixture;

namespace {

void check(const std::string& name, const std::function<Tensor(const Tensor&)>& pool) {
  static const OpFixture fixture("ops/pool.safetensors");
  fixture.check(name, {"x", "output"}, [&](const OpFixture::Named& in) { return pool(in.at("x")); });
}

}  // namespace

TEST_CASE("max pooling equals PyTorch's") {
  const auto max = [](const std::string& name, MaxPool2dOptions options) {
    check(name, [options](const Tensor& x) { return max_pool2d(x, options); });
  };
  const MaxPool2dOptions k3s2p1{.kernel = {3, 3}, .stride = Size2d{2, 2}, .padding = {1, 1}};
  max("max_k3s2p1", k3s2p1);
  max("max_k3s2p1_ties", k3s2p1);
  max("max_k3s2p1_negative", k3s2p1);
  max("max_k2s2_floor_odd", {.kernel = {2, 2}});
  max("max_k2s2_ceil_odd", {.kernel = {2, 2}, .ceil_mode = true});
  max("max_k3s2p1_ceil", {.kernel = {3, 3}, .stride = Size2d{2, 2}, .padding = {1, 1}, .ceil_mode = true});
  max("max_k3s1_same", {.kernel = {3, 3}, .stride = Size2d{1, 1}, .padding = {1, 1}});
  max("max_k2x3_s1x2_dil2", {.kernel = {2, 3}, .stride = Size2d{1, 2}, .padding = {1, 0}, .dilation = {2, 2}});
  check("adaptive_max_7x5_to_3x2", [](const Tensor& x) { return adaptive_max_pool2d(x, {3, 2}); });
  check("adaptive_max_7x5_to_4x4", [](const Tensor& x) { return adaptive_max_pool2d(x, {4, 4}); });
}

TEST_CASE("average pooling equals PyTorch's, with ceil_mode and padding counted as there") {
  struct Window {
    std::string name;
    AvgPool2dOptions options;
  };
  const std::vector<Window> windows{
      {"avg_k3s2p1_7x8", {.kernel = {3, 3}, .stride = Size2d{2, 2}, .padding = {1, 1}}},
      {"avg_k3s2p1_6x8", {.kernel = {3, 3}, .stride = Size2d{2, 2}, .padding = {1, 1}}},
      {"avg_k2s2_5x7", {.kernel = {2, 2}}},
      {"avg_k2x1_5x4", {.kernel = {2, 1}}},
      {"avg_k4s3p2_8x9", {.kernel = {4, 4}, .stride = Size2d{3, 3}, .padding = {2, 2}}},
  };
  for (const Window& window : windows) {
    for (const bool ceil_mode : {false, true}) {
      for (const bool count_include_pad : {false, true}) {
        AvgPool2dOptions options = window.options;
        options.ceil_mode = ceil_mode;
        options.count_include_pad = count_include_pad;
        check(window.name + (ceil_mode ? "_ceil" : "_floor") + (count_include_pad ? "_pad" : "_nopad"),
              [options](const Tensor& x) { return avg_pool2d(x, options); });
      }
    }
  }
  check("avg_divisor3", [](const Tensor& x) { return avg_pool2d(x, {.kernel = {2, 2}, .divisor_override = 3}); });
  check("avg_k7_7x8", [](const Tensor& x) { return avg_pool2d(x, {.kernel = {7, 7}}); });
  for (const auto& [name, size] : std::map<std::string, Size2d>{
           {"3x2", {3, 2}}, {"1x1", {1, 1}}, {"7x3", {7, 3}}, {"4x4", {4, 4}}, {"5x9", {5, 9}}}) {
    check("adaptive_avg_7x5_to_" + name, [&](const Tensor& x) { return adaptive_avg_pool2d(x, size); });
  }
}
