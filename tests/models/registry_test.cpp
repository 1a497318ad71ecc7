#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <sstream>

#include "models/registry.h"
#include "tests/fixture.h"
#include "tests/skip.h"

using namespace lv;
using Catch::Contains;

namespace {

/// Lines "name<tab>shape<tab>dtype" of the state dict, as the lists of torchvision's models have them.
std::vector<std::string> describe(const nn::Module& module) {
  std::vector<std::string> lines;
  for (const NamedTensor& entry : module.state_dict()) {
    const bool is_counter = entry.tensor.dtype() == DType::i64;
    lines.push_back(fmt::format("{}\t{}\t{}", entry.name, entry.tensor.shape(), is_counter ? "int64" : "float32"));
  }
  return lines;
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
  }
  return lines;
}

const Tensor& find(const std::vector<NamedTensor>& tensors, std::string_view name) {
  return std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& t) { return t.name == name; })->tensor;
}

double mean_square(const Tensor& tensor) {
  double sum = 0;
  for (const float value : tensor.to_vector<float>()) {
    sum += double(value) * double(value);
  }
  return sum / double(tensor.numel());
}

}  // namespace

TEST_CASE("state dicts have torchvision's names, shapes and order") {
  std::vector<std::string_view> known = models::names();
  if (test::kIsSanitized) {
    test::skip("names of the large networks: too slow under a sanitizer");
    known = {"resnet18", "resnext50_32x4d"};
  }
  for (const std::string_view name : known) {
    INFO(name);
    CHECK(describe(*models::make(name)) ==
          lines_of(test::fixture(fmt::format("names/torchvision_{}.names.txt", name))));
  }
}

TEST_CASE("an unknown model is an error that lists the known ones") {
  CHECK_THROWS_WITH(models::make("resnet51"),
                    Contains("\"resnet51\"") && Contains("resnet50, ") && Contains("resnext101_32x8d"));
  CHECK_THROWS_AS(models::make("resnet18", {.classes = 0}), Error);
}

TEST_CASE("networks start from torchvision's distributions") {
  const auto model = models::make("resnext50_32x4d", {.classes = 10});
  const std::vector<NamedTensor> state = model->state_dict();
  // He's normal over the outputs: variance 2 / (out * kh * kw), whatever the groups.
  CHECK(mean_square(find(state, "conv1.weight")) == Approx(2.0 / (64 * 49)).epsilon(0.05));
  CHECK(mean_square(find(state, "layer3.1.conv2.weight")) == Approx(2.0 / (512 * 9)).epsilon(0.05));
  CHECK(mean_square(find(state, "layer4.2.conv3.weight")) == Approx(2.0 / 2048).epsilon(0.05));
  // Uniform in +-1 / sqrt(in): variance 1 / (3 in).
  CHECK(mean_square(find(state, "fc.weight")) == Approx(1.0 / (3 * 2048)).epsilon(0.05));
  CHECK(mean_square(find(state, "layer1.0.bn3.weight")) == 1.0);
  CHECK(mean_square(find(state, "layer1.0.bn3.bias")) == 0.0);
}

TEST_CASE("residual branches start as zero when asked to") {
  for (const auto& [name, last] : {std::pair{"resnet18", "bn2"}, std::pair{"resnet50", "bn3"}}) {
    const auto model = models::make(name, {.classes = 10, .zero_init_residual = true});
    for (const NamedTensor& parameter : model->named_parameters()) {
      const bool is_norm = parameter.tensor.rank() == 1 && parameter.name.ends_with(".weight");
      if (is_norm) {
        INFO(name << " " << parameter.name);
        const bool is_last = parameter.name.ends_with(std::string(last) + ".weight") && parameter.name != "bn1.weight";
        CHECK(mean_square(parameter.tensor) == (is_last ? 0.0 : 1.0));
      }
    }
  }
}

TEST_CASE("the form for small images keeps their size until the second stage and scales with its width") {
  const auto model = models::make("resnet18", {.classes = 7, .stem = models::Stem::cifar, .width = 16});
  const std::vector<NamedTensor> state = model->state_dict();
  CHECK(find(state, "conv1.weight").shape() == Shape{16, 3, 3, 3});
  CHECK(find(state, "layer4.0.conv1.weight").shape() == Shape{128, 64, 3, 3});
  CHECK(find(state, "fc.weight").shape() == Shape{7, 128});
  CHECK(model->forward(Tensor::zeros({2, 9, 13, 3})).shape() == Shape{2, 7});
  CHECK_THROWS_WITH(model->forward(Tensor::zeros({2, 9, 13, 4})),
                    Contains("[N, H, W, 3]") && Contains("[2, 9, 13, 4]"));
}
