// The networks against torchvision's, recorded in float64 on weights and images from the fixtures' generator.

#include <catch2/catch.hpp>
#include <cmath>
#include <memory>

#include "autograd/grad_mode.h"
#include "models/registry.h"
#include "models/residual_block.h"
#include "ops/losses.h"
#include "tests/fixture_numbers.h"
#include "tests/models/record_fixture.h"
#include "tests/skip.h"

using namespace lv;

namespace {

struct Case {
  std::string model;
  Shape input;  // [N, C, H, W]
};

std::string file_of(const Case& c) {
  return fmt::format("models/torchvision_{}.{}x3x{}x{}.safetensors", c.model, c.input[0], c.input[2], c.input[3]);
}

/// Every model on odd sizes, and one of each kind of block on two images; under sanitizers the smallest network alone.
std::vector<Case> cases() {
  if (test::kIsSanitized) {
    test::skip("records of networks above ResNet-18: too slow under a sanitizer");
    return {{"resnet18", {1, 3, 203, 181}}};
  }
  std::vector<Case> result;
  for (const std::string_view model : models::names()) {
    result.push_back({std::string(model), {1, 3, 203, 181}});
  }
  for (const std::string model : {"resnet18", "resnet50", "resnext50_32x4d"}) {
    result.push_back({model, {2, 3, 224, 224}});
  }
  return result;
}

/// One pass over the record's images and labels.
struct Pass {
  std::unique_ptr<models::Classifier> model;
  Tensor images;
  std::vector<double> logits;
  double loss = 0;
};

Pass run(const Case& c, DType dtype, bool training) {
  Pass pass;
  pass.model = models::make(c.model);
  test::fill_by_name(*pass.model);
  pass.model->to(dtype);
  pass.model->train(training);
  pass.images = test::fixture_images("input", c.input, dtype);
  pass.images.set_requires_grad();
  const Tensor logits = pass.model->forward(pass.images);
  const Tensor loss = ops::cross_entropy(logits, test::fixture_labels("label", c.input[0], 1000));
  loss.backward();
  pass.logits = test::torch_order(logits);
  pass.loss = loss.item();
  return pass;
}

void check_outputs(const Pass& pass, const test::Record& record, const std::string& mode, DType dtype) {
  const auto allowed = [&](const std::string& name) {
    return dtype == DType::f64 ? 1e-10 : std::max(4 * record.f32_error(mode + "/" + name), 4e-6);
  };
  CHECK(test::relative_distance(pass.logits, record.at(mode + "/logits")) <= allowed("logits"));
  CHECK(test::relative_distance({pass.loss}, record.at(mode + "/loss")) <= allowed("loss"));
}

/// In float64 every gradient agrees; in float32 a ReLU that flips at its kink moves them, so this finds blunders only.
void check_gradients(const Pass& pass, const test::Record& record, const std::string& mode, DType dtype) {
  const double f64_error = mode == "train" ? 1e-7 : 1e-10;
  const double norm_error = dtype == DType::f64 ? f64_error : std::max(record.f32_error(mode + "/grad_max"), 1e-2);
  const double sample_error = dtype == DType::f64 ? f64_error : 8 * norm_error;
  const std::vector<NamedTensor> parameters = pass.model->named_parameters();
  const std::vector<std::string> names = record.lines("params");
  REQUIRE(parameters.size() == names.size());
  const std::vector<double> norms = record.at(mode + "/grad_norm");
  for (size_t i = 0; i < names.size(); ++i) {
    INFO(names[i]);
    CHECK(parameters[i].name == names[i]);
    const std::vector<double> grad = test::torch_order(parameters[i].tensor.grad());
    const std::vector<double> want = record.row(mode + "/grad_sample", i);
    CHECK(test::l2_norm(grad) == Approx(norms[i]).epsilon(norm_error));
    double scale = norms[i] / std::sqrt(double(grad.size()));
    for (const double value : want) {
      scale = std::max(scale, std::abs(value));
    }
    const std::vector<double> got = test::sample(grad, want.size());
    for (size_t j = 0; j < want.size(); ++j) {
      CHECK(std::abs(got[j] - want[j]) <= sample_error * scale);
    }
  }
  if (dtype == DType::f64) {
    const std::vector<double> grad = test::torch_order_of_images(pass.images.grad());
    CHECK(test::l2_norm(grad) == Approx(record.at(mode + "/input_grad_norm")[0]).epsilon(f64_error));
    CHECK(test::relative_distance(test::sample(grad, 64), record.at(mode + "/input_grad_sample")) <= f64_error);
  }
}

void check_running_statistics(const Pass& pass, const test::Record& record, DType dtype) {
  const double allowed = dtype == DType::f64 ? 1e-10 : std::max(4 * record.f32_error("train/buffer"), 4e-6);
  const std::vector<std::string> names = record.lines("buffers");
  const std::vector<double> norms = record.at("train/buffer_norm");
  size_t i = 0;
  for (const NamedTensor& buffer : pass.model->named_buffers()) {
    INFO(buffer.name);
    if (buffer.name.ends_with("num_batches_tracked")) {
      CHECK(buffer.tensor.item() == 1);
      continue;
    }
    REQUIRE(i < names.size());
    CHECK(buffer.name == names[i]);
    const std::vector<double> values = test::torch_order(buffer.tensor);
    CHECK(test::l2_norm(values) == Approx(norms[i]).epsilon(allowed));
    CHECK(test::relative_distance(test::sample(values, 8), record.row("train/buffer_sample", i)) <= allowed);
    ++i;
  }
  CHECK(i == names.size());
}

void check_block(const std::string& file, const std::function<Tensor(const Tensor&)>& forward, nn::Module& block,
                 const Shape& input, DType dtype) {
  const test::Record record("block/" + file);
  for (const std::string mode : {"train", "eval"}) {
    INFO(file << " " << mode << " " << name(dtype));
    block.to(DType::f32);
    test::fill_by_name(block);
    block.to(dtype);
    block.train(mode == "train");
    const Tensor x = test::fixture_images("input", input, dtype);
    x.set_requires_grad();
    const Tensor y = forward(x);
    const Shape torch_shape{y.size(0), y.size(3), y.size(1), y.size(2)};
    y.backward(test::fixture_tensor("cotangent", torch_shape).permute({0, 2, 3, 1}).contiguous().to(dtype));
    const auto check = [&](const std::string& entry, const std::vector<double>& got) {
      INFO(entry);
      const double allowed = dtype == DType::f64 ? 1e-10 : std::max(4 * record.f32_error(entry), 2e-6);
      CHECK(test::relative_distance(got, record.at(entry)) <= allowed);
    };
    check(mode + "/output", test::torch_order_of_images(y));
    if (mode == "eval") {  // of folded layers
      const autograd::NoGradGuard no_grad;
      check(mode + "/output", test::torch_order_of_images(forward(x)));
    }
    check(mode + "/grad/input", test::torch_order_of_images(x.grad()));
    for (const NamedTensor& parameter : block.named_parameters()) {
      check(mode + "/grad/" + parameter.name, test::torch_order(parameter.tensor.grad()));
    }
    for (const NamedTensor& buffer : block.named_buffers()) {
      if (mode == "train" && is_floating(buffer.tensor.dtype())) {
        check("train/buffer/" + buffer.name, test::torch_order(buffer.tensor));
      }
    }
  }
}

}  // namespace

TEST_CASE("the generator of the fixtures gives the published numbers") {
  CHECK(test::fixture_bits("input", 0) == 7549341);
  CHECK(test::fixture_bits("layer1.0.conv1.weight", 3) == 3094668);
  CHECK(test::fixture_number("input", 2) == -0.9514918327331543);
  CHECK(test::fixture_labels("label", 2, 1000).to_vector<int64_t>() == std::vector<int64_t>{885, 450});
}

TEST_CASE("residual blocks equal torchvision's in every gradient and running statistic") {
  for (const DType dtype : {DType::f64, DType::f32}) {
    models::BasicBlock basic({.in = 16, .planes = 32, .stride = 2});
    check_block(
        "basic_stride2_7x5.safetensors", [&](const Tensor& x) { return basic.forward(x); }, basic, {2, 16, 7, 5},
        dtype);
    models::Bottleneck bottleneck({.in = 32, .planes = 16, .stride = 2});
    check_block(
        "bottleneck_stride2_7x5.safetensors", [&](const Tensor& x) { return bottleneck.forward(x); }, bottleneck,
        {2, 32, 7, 5}, dtype);
  }
}

TEST_CASE("networks equal torchvision's in training and in evaluation") {
  for (const Case& c : cases()) {
    const test::Record record(file_of(c));
    for (const DType dtype : {DType::f64, DType::f32}) {
      for (const std::string mode : {"train", "eval"}) {
        INFO(file_of(c) << " " << mode << " " << name(dtype));
        const Pass pass = run(c, dtype, mode == "train");
        check_outputs(pass, record, mode, dtype);
        check_gradients(pass, record, mode, dtype);
        if (mode == "train") {
          check_running_statistics(pass, record, dtype);
        }
      }
    }
  }
}
