// Ten steps of SGD on the CIFAR form of ResNet-18 against those of PyTorch and torchvision.

#include <catch2/catch.hpp>
#include <cmath>

#include "autograd/grad_mode.h"
#include "models/registry.h"
#include "ops/losses.h"
#include "optim/gradients.h"
#include "optim/sgd.h"
#include "tests/fixture_numbers.h"
#include "tests/models/record_fixture.h"
#include "tests/skip.h"

using namespace lv;

namespace {

constexpr int kSteps = 10;
const Shape kInput{8, 3, 32, 32};

struct Run {
  std::vector<double> losses;
  std::vector<double> grad_norms;  // before each step
  std::vector<double> final_logits;
  std::vector<std::vector<double>> final_state;
};

Run train(DType dtype) {
  Run run;
  const auto model = models::make("resnet18", {.classes = 10, .stem = models::Stem::cifar});
  test::fill_by_name(*model);
  model->to(dtype);
  const std::vector<NamedTensor> parameters = model->named_parameters();
  optim::Sgd optimizer(optim::configure(parameters), {.lr = 0.01, .momentum = 0.9, .weight_decay = 5e-4});
  optim::Gradients gradients(parameters);
  for (int step = 0; step < kSteps; ++step) {
    const std::string t = std::to_string(step);
    const Tensor logits = model->forward(test::fixture_images("input/" + t, kInput, dtype));
    const Tensor loss = ops::cross_entropy(logits, test::fixture_labels("label/" + t, kInput[0], 10));
    optimizer.zero_grad();
    loss.backward();
    run.losses.push_back(loss.item());
    run.grad_norms.push_back(gradients.norm().item());
    optimizer.step();
  }
  const autograd::NoGradGuard no_grad;
  model->eval();
  run.final_logits = test::torch_order(model->forward(test::fixture_images("input/0", kInput, dtype)));
  for (const NamedTensor& entry : model->state_dict()) {
    if (is_floating(entry.tensor.dtype())) {
      run.final_state.push_back(test::torch_order(entry.tensor));
    }
  }
  return run;
}

bool is_too_slow() {
  if (test::kIsSanitized) {
    test::skip("ten training steps of ResNet-18: too slow under a sanitizer");
  }
  return test::kIsSanitized;
}

}  // namespace

TEST_CASE("ten training steps of ResNet-18 equal PyTorch's in float64") {
  if (is_too_slow()) {
    return;
  }
  const test::Record record("training_parity.safetensors");
  const std::string prefix = "resnet18_cifar/float64/";
  const Run run = train(DType::f64);
  CHECK(test::relative_distance(run.losses, record.at(prefix + "loss")) < 1e-8);
  CHECK(test::relative_distance(run.grad_norms, record.at(prefix + "grad_norm")) < 1e-8);
  CHECK(test::relative_distance(run.final_logits, record.at(prefix + "final_eval_logits")) < 1e-8);
  const std::vector<double> norms = record.at(prefix + "final_state_norm");
  REQUIRE(run.final_state.size() == norms.size());
  for (size_t i = 0; i < norms.size(); ++i) {
    INFO("entry " << i);
    CHECK(test::l2_norm(run.final_state[i]) == Approx(norms[i]).epsilon(1e-8));
    CHECK(test::relative_distance(test::sample(run.final_state[i], 8), record.row(prefix + "final_state_sample", i)) <
          1e-8);
  }
}

TEST_CASE("ten training steps of ResNet-18 equal PyTorch's in float32 to 1e-4") {
  if (is_too_slow()) {
    return;
  }
  const std::vector<double> want = test::Record("training_parity.safetensors").at("resnet18_cifar/float64/loss");
  const Run run = train(DType::f32);
  REQUIRE(run.losses.size() == want.size());
  for (size_t step = 0; step < want.size(); ++step) {
    INFO("step " << step);
    CHECK(run.losses[step] == Approx(want[step]).epsilon(step == 0 ? 1e-6 : 1e-4));
  }
}
