#include "models/summary.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "autograd/grad_mode.h"
#include "models/registry.h"
#include "nn/attention.h"
#include "nn/conv2d.h"
#include "nn/conv_transpose2d.h"
#include "tests/skip.h"

using namespace lv;

namespace {

struct Counts {
  int64_t parameters = 0;
  int64_t multiply_adds = 0;
};

Counts count(const std::vector<models::LayerSummary>& layers) {
  Counts result;
  for (const models::LayerSummary& layer : layers) {
    result.parameters += layer.parameters;
    result.multiply_adds += layer.multiply_adds;
  }
  return result;
}

}  // namespace

TEST_CASE("parameters and multiply-adds at 224 x 224 are those counted for torchvision's models") {
  struct Row {
    std::string_view model;
    int64_t parameters, multiply_adds;
  };
  // Counted by hooks on PyTorch's modules.
  std::vector<Row> rows{{"resnet18", 11689512, 1814073344},        {"resnet34", 21797672, 3663761408},
                        {"resnet50", 25557032, 4089184256},        {"resnet101", 44549160, 7801405440},
                        {"resnet152", 60192808, 11513626624},      {"wide_resnet50_2", 68883240, 11398021120},
                        {"resnext50_32x4d", 25028904, 4230479872}, {"resnext101_32x8d", 88791336, 16414015488}};
  if (test::kIsSanitized) {
    test::skip("counts of networks above ResNet-18: too slow under a sanitizer");
    rows.resize(1);
  }
  const autograd::NoGradGuard no_grad;
  const Tensor image = Tensor::zeros({1, 224, 224, 3});
  for (const Row& row : rows) {
    INFO(row.model);
    const auto model = models::make(row.model);
    model->eval();
    const Counts counts = count(models::summarize(*model, [&] { return model->forward(image); }));
    CHECK(counts.parameters == row.parameters);
    CHECK(counts.multiply_adds == row.multiply_adds);
  }
}

TEST_CASE("a summary names each layer with its type and output, and counts shared parameters once") {
  const autograd::NoGradGuard no_grad;
  const auto model = models::make("resnet18", {.classes = 5, .stem = models::Stem::cifar, .width = 4});
  const Tensor image = Tensor::zeros({2, 8, 8, 3});
  const auto layers = models::summarize(*model, [&] {
    static_cast<void>(model->forward(image));
    return model->forward(image);
  });
  CHECK(layers[0].name == "conv1");
  CHECK(layers[0].type == "Conv2d");
  CHECK(layers[0].output == Shape{2, 8, 8, 4});
  CHECK(layers[0].multiply_adds == 2 * 8 * 8 * 4 * 27);
  CHECK(layers[1].name == "bn1");
  CHECK(layers[1].parameters == 8);
  CHECK(layers.back().name == "fc");
  CHECK(layers.back().parameters == 0);  // the second call
  CHECK(layers[layers.size() / 2 - 1].parameters == 5 * 32 + 5);
}

TEST_CASE("attention counts its products besides its layers'; convolutions count by group or by their input") {
  const autograd::NoGradGuard no_grad;
  nn::MultiHeadAttention attention(8, 2);
  const auto parts = models::summarize(attention, [&] { return attention.forward(Tensor::zeros({3, 5, 8})); });
  CHECK(count(parts).multiply_adds == 3 * (5 * 8 * 24 + 5 * 8 * 8 + 2 * 5 * 5 * 8));
  nn::Conv2d grouped(8, 12, {3, 3}, {.conv = {.padding = {1, 1}, .groups = 4}});
  const auto by_group = models::summarize(grouped, [&] { return grouped.forward(Tensor::zeros({1, 5, 7, 8})); });
  CHECK(count(by_group).multiply_adds == 5 * 7 * 12 * 2 * 9);
  nn::ConvTranspose2d up(6, 4, {2, 2}, {.conv = {.stride = {2, 2}}});
  const auto whole = models::summarize(up, [&] { return up.forward(Tensor::zeros({1, 3, 3, 6})); });
  CHECK(count(whole).multiply_adds == 3 * 3 * 6 * 4 * 2 * 2);
}
