// Attention against PyTorch's outputs and gradients.

#include <catch2/catch.hpp>

#include "ops/attention.h"
#include "ops/shape.h"
#include "tests/ops/op_fixture.h"

using namespace lv;
using namespace lv::ops;
using lv::test::OpFixture;

namespace {

/// The records hold heads before tokens.
Tensor attend(const OpFixture::Named& in, const AttentionOptions& options) {
  const auto tokens_first = [](const Tensor& x) { return permute(x, {0, 2, 1, 3}); };
  const auto find = [&](const std::string& name) { return in.contains(name) ? in.at(name) : Tensor{}; };
  const Tensor mask = find("mask");
  const bool is_additive = mask.defined() && is_floating(mask.dtype());
  const Tensor o = scaled_dot_product_attention(tokens_first(in.at("q")), tokens_first(in.at("k")),
                                                tokens_first(in.at("v")), options, is_additive ? mask : find("bias"),
                                                mask.defined() && !is_additive ? mask.to(DType::boolean) : Tensor{});
  return tokens_first(o);
}

}  // namespace

TEST_CASE("attention with scale, masks, bias and causal order equals PyTorch's") {
  const OpFixture fixture("ops/activation_attention.safetensors");
  const std::map<std::string, AttentionOptions> cases{{"sdpa", {}},
                                                      {"sdpa_scale", {.scale = 0.5}},
                                                      {"sdpa_bool_mask", {}},
                                                      {"sdpa_additive_mask", {}},
                                                      {"sdpa_causal", {.is_causal = true}},
                                                      {"sdpa_causal_rect", {.is_causal = true}},
                                                      {"sdpa_relative_bias_window", {}}};
  for (const auto& [name, options] : cases) {
    DYNAMIC_SECTION(name) {
      fixture.check(name, {}, [&](const OpFixture::Named& in) { return attend(in, options); });
    }
  }
}
