// Convolutions against PyTorch's outputs and gradients.

#include <catch2/catch.hpp>

#include "ops/conv.h"
#include "ops/shape.h"
#include "tests/ops/op_fixture.h"

using namespace lv;
using namespace lv::ops;
using lv::test::OpFixture;

namespace {

const OpFixture& fixture() {
  static const OpFixture file("ops/conv.safetensors");
  return file;
}

Tensor bias_of(const OpFixture::Named& in) { return in.contains("b") ? in.at("b") : Tensor{}; }

}  // namespace

TEST_CASE("convolutions equal PyTorch's: strides, padding, dilation, groups, depthwise") {
  const std::map<std::string, Conv2dOptions> cases{
      {"k3s2p1_odd", {.stride = {2, 2}, .padding = {1, 1}}},
      {"k3s2p1_even", {.stride = {2, 2}, .padding = {1, 1}}},
      {"k7s2p3", {.stride = {2, 2}, .padding = {3, 3}}},
      {"k1s2", {.stride = {2, 2}}},
      {"groups4", {.padding = {1, 1}, .groups = 4}},
      {"depthwise", {.stride = {2, 2}, .padding = {1, 1}, .groups = 6}},
      {"depthwise_k5", {.padding = {2, 2}, .groups = 6}},
      {"dilation2", {.padding = {2, 2}, .dilation = {2, 2}}},
      {"dilation6_small_map", {.padding = {6, 6}, .dilation = {6, 6}}},
      {"k2x3_asymmetric", {.stride = {1, 2}, .padding = {1, 0}}},
      {"k4s4_patch", {.stride = {4, 4}}},
  };
  for (const auto& [name, options] : cases) {
    INFO(name);
    fixture().check(name, {"x", "output"},
                    [&](const OpFixture::Named& in) { return conv2d(in.at("x"), in.at("w"), bias_of(in), options); });
  }
}

TEST_CASE("a convolution over one axis is one over images of one row") {
  fixture().check("conv1d", {}, [](const OpFixture::Named& in) {
    const Tensor x = permute(in.at("x"), {0, 2, 1});  // [N, L, C]
    const Tensor rows = conv2d(unsqueeze(x, 1), unsqueeze(in.at("w"), 2), bias_of(in));
    return permute(squeeze(rows, 1), {0, 2, 1});
  });
}

TEST_CASE("transposed convolutions equal PyTorch's") {
  const std::map<std::string, ConvTranspose2dOptions> cases{
      {"transpose_k4s2p1_depthwise", {.stride = {2, 2}, .padding = {1, 1}, .groups = 5}},
      {"transpose_k2s2", {.stride = {2, 2}}},
      {"transpose_k3s2p1_op1", {.stride = {2, 2}, .padding = {1, 1}, .output_padding = {1, 1}}},
  };
  for (const auto& [name, options] : cases) {
    INFO(name);
    fixture().check(name, {"x", "output"}, [&](const OpFixture::Named& in) {
      return conv_transpose2d(in.at("x"), in.at("w"), bias_of(in), options);
    });
  }
}
