// The axial-attention layer against its public implementation and, for options which that lacks, against the same layer
// composed plainly in PyTorch, recorded in float64 on weights and images from the fixtures' generator.

#include <catch2/catch.hpp>
#include <cmath>

#include "nn/axial_attention.h"
#include "ops/basic.h"
#include "tests/fixture_numbers.h"
#include "tests/models/record_fixture.h"

using namespace lv;
using nn::AxialSimilarity;
using nn::AxialTable;
using ops::ImageAxis;

namespace {

struct Case {
  std::string file;
  Shape input;  // [N, C, H, W]
  int64_t out, length;
  nn::AxialAttentionOptions options;
  double bias_offset = 0;  // of bn_qkv.bias
};

constexpr auto kWidth = ImageAxis::width;

/// The public layer.
std::vector<Case> layers() {
  return {
      {"c16_l7_g8_width", {2, 16, 5, 7}, 16, 7, {.terms = {.axis = kWidth}}},
      {"c16_l7_g2_height", {2, 16, 7, 5}, 16, 7, {.terms = {.heads = 2}}},
      {"c16_l1_g8_height", {2, 16, 1, 4}, 16, 1, {}},
      {"c16_l129_g2_height_onerow", {1, 16, 129, 1}, 16, 129, {.terms = {.heads = 2}}},
      {"c24to32_l13_g8_width", {2, 24, 6, 13}, 32, 13, {.terms = {.axis = kWidth}}},
      {"c32_l11_g4_height_offset", {1, 32, 11, 6}, 32, 11, {.terms = {.heads = 4}}, 20},
      {"c48_l9_g2_height_stride2_odd", {1, 48, 9, 7}, 48, 9, {.terms = {.heads = 2}, .stride = 2}},
  };
}

/// Spans, clipped tables, terms and norms left out; 4 heads, 32 channels.
std::vector<Case> variants() {
  const Shape image{2, 32, 11, 5};
  const auto with = [&](const std::string& file, const ops::AxialTerms& terms) {
    return Case{file, image, 32, 11, {.terms = terms}};
  };
  const ops::AxialTerms plain{
      .heads = 4, .content = true, .query_position = true, .key_position = false, .value_position = false};
  return {
      with("content_only", {.heads = 4, .query_position = false, .key_position = false, .value_position = false}),
      with("no_content_similarity", {.heads = 4, .content = false}),
      with("no_key_position", {.heads = 4, .key_position = false}),
      with("no_query_position", {.heads = 4, .query_position = false}),
      with("no_value_content", {.heads = 4, .value_content = false}),
      with("no_value_position", {.heads = 4, .value_position = false}),
      with("span5", {.heads = 4, .span = 5}),
      with("span11_is_global", {.heads = 4, .span = 11}),
      {"clipped_table_d4", image, 32, 5, {.terms = {.heads = 4}, .table = AxialTable::clipped}},
      {"span5_clipped_d4", image, 32, 5, {.terms = {.heads = 4, .span = 5}, .table = AxialTable::clipped}},
      {"span5_width_l14", {2, 32, 3, 14}, 32, 14, {.terms = {.heads = 4, .axis = kWidth, .span = 5}}},
      {"span17_l33_no_value_position",
       {1, 32, 33, 2},
       32,
       33,
       {.terms = {.heads = 4, .span = 17, .value_position = false}}},
      {"span65_l70_g2", {1, 16, 70, 1}, 16, 70, {.terms = {.heads = 2, .span = 65}}},
      {"span9_scaled", image, 32, 11, {.terms = {.heads = 4, .span = 9}, .similarity = AxialSimilarity::scaled}},
      {"scaled_no_logit_bn_width",
       {2, 32, 3, 14},
       32,
       14,
       {.terms = {.heads = 4, .axis = kWidth}, .similarity = AxialSimilarity::scaled}},
      {"scaled_no_bn_at_all",
       image,
       32,
       11,
       {.terms = {.heads = 4}, .similarity = AxialSimilarity::scaled, .has_qkv_norm = false, .has_output_norm = false}},
      {"plain_attention_no_bn",
       image,
       32,
       11,
       {.terms = plain, .similarity = AxialSimilarity::plain, .has_qkv_norm = false, .has_output_norm = false}},
  };
}

void fill(nn::AxialAttention& layer, const Case& c, DType dtype) {
  layer.to(DType::f32);
  test::fill_by_name(layer);
  const Shape table = layer.relative.shape();
  layer.relative.copy_from(test::fixture_tensor("relative", table, std::sqrt(6.0 / double(table[0]))));
  for (const NamedTensor& entry : layer.state_dict()) {
    if (entry.name == "bn_qkv.bias" && c.bias_offset != 0) {
      entry.tensor.copy_from(test::fixture_tensor(entry.name, entry.tensor.shape(), 0.1, c.bias_offset));
    }
  }
  layer.to(dtype);
}

double largest(const std::vector<double>& values) {
  double result = 0;
  for (const double value : values) {
    result = std::max(result, std::abs(value));
  }
  return result;
}

void check(const Case& c, DType dtype) {
  const test::Record record("axial/" + c.file + ".safetensors");
  nn::AxialAttention layer(c.input[1], c.out, c.length, c.options);
  for (const std::string mode : {"train", "eval"}) {
    INFO(c.file << " " << mode << " " << name(dtype));
    fill(layer, c, dtype);
    layer.train(mode == "train");
    const Tensor x = test::fixture_images("input", c.input, dtype);
    x.set_requires_grad();
    const Tensor y = layer.forward(x);
    const Shape torch_shape{y.size(0), y.size(3), y.size(1), y.size(2)};
    y.backward(test::fixture_tensor("cotangent", torch_shape).permute({0, 2, 3, 1}).contiguous().to(dtype));
    const auto agree = [&](const std::string& entry, const std::vector<double>& got) {
      INFO(entry);
      const std::vector<double> want = record.at(entry);
      if (largest(want) < 1e-10) {  // analytically zero
        CHECK(largest(got) <= (dtype == DType::f64 ? 1e-10 : std::max(4 * record.f32_error(entry), 2e-5)));
        return;
      }
      const double allowed = dtype == DType::f64 ? 1e-10 : std::max(4 * record.f32_error(entry), 2e-6);
      CHECK(test::relative_distance(got, want) <= allowed);
    };
    agree(mode + "/output", test::torch_order_of_images(y));
    agree(mode + "/grad/input", test::torch_order_of_images(x.grad()));
    for (const NamedTensor& parameter : layer.named_parameters()) {
      agree(mode + "/grad/" + parameter.name, test::torch_order(parameter.tensor.grad()));
    }
    for (const NamedTensor& buffer : layer.named_buffers()) {
      if (mode == "train" && is_floating(buffer.tensor.dtype())) {
        agree("train/buffer/" + buffer.name, test::torch_order(buffer.tensor));
      }
    }
  }
}

}  // namespace

TEST_CASE("the axial layer equals the public one in every gradient and running statistic") {
  for (const Case& c : layers()) {
    check(c, DType::f64);
    check(c, DType::f32);
  }
}

TEST_CASE("spans, clipped tables, terms and norms left out equal their plain composition") {
  for (const Case& c : variants()) {
    check(c, DType::f64);
    check(c, DType::f32);
  }
}

TEST_CASE("the axial layer's state has the public names in their order") {
  const nn::AxialAttention layer(64, 64, 56);
  std::vector<std::string> names;
  for (const NamedTensor& entry : layer.state_dict()) {
    names.push_back(entry.name);
  }
  const std::vector<std::string> first(names.begin(), names.begin() + 4);
  CHECK(first == std::vector<std::string>{"relative", "flatten_index", "qkv_transform.weight", "bn_qkv.weight"});
  CHECK(names.back() == "bn_output.num_batches_tracked");
  CHECK(layer.relative.shape() == Shape{16, 111});
}

TEST_CASE("attention maps are weights over the keys that a query sees") {
  nn::AxialAttention layer(8, 8, 6, {.terms = {.heads = 2, .axis = kWidth, .span = 3}});
  layer.eval();
  const Tensor maps = layer.attention(test::fixture_images("input", {2, 8, 3, 6}, DType::f32));
  REQUIRE(maps.shape() == Shape{2, 3, 2, 6, 6});
  const std::vector<double> weights = test::torch_order(maps);
  for (size_t query = 0; query < weights.size() / 6; ++query) {
    double sum = 0;
    for (size_t key = 0; key < 6; ++key) {
      const double weight = weights[query * 6 + key];
      const auto distance = std::abs(int(key) - int(query % 6));
      CHECK((distance <= 1 ? weight > 0 : weight == 0));
      sum += weight;
    }
    CHECK(sum == Approx(1.0));
  }
}
