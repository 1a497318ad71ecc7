#include <fmt/format.h>

#include <memory>

#include "autograd/autocast.h"
#include "autograd/grad_mode.h"
#include "bench/case.h"
#include "core/generator.h"
#include "models/registry.h"
#include "models/summary.h"
#include "ops/losses.h"
#include "optim/sgd.h"
#include "tests/specs/harness.h"

namespace lv::bench {

namespace {

// A peer that begins with the same weights must come to the losses of the first updates: the later ones tell of
// gradients and optimizer.
constexpr int kCheckedUpdates = 3;

struct Network {
  std::string_view name;  // in the case's name
  std::string_view model;
  models::ClassifierOptions options;
  Shape images;
};

constexpr models::ClassifierOptions kCifarForm{.classes = 10, .stem = models::Stem::cifar};

/// A network with weights of its own, and one batch.
class Setup {
 public:
  Setup(const Network& network, std::optional<DType> autocast) : autocast_(autocast) {
    manual_seed(1);
    model_ = models::make(network.model, network.options);
    const int64_t classes = network.options.classes;
    specs::Case draws;
    draws.args = {specs::floats(network.images), specs::integers({network.images[0]}, 0, classes)};
    const TensorList batch = specs::make_inputs(draws, DType::f32);
    images_ = batch[0];
    labels_ = batch[1];
    optimizer_ = std::make_unique<optim::Sgd>(optim::configure(model_->named_parameters()),
                                              optim::SgdOptions{.lr = 0.01, .momentum = 0.9, .weight_decay = 1e-4});
  }

  /// Forward, loss, backward and an update of all parameters; returns the loss.
  Tensor update() {
    Tensor loss;
    {
      const autograd::AutocastGuard guard(autocast_);
      loss = ops::cross_entropy(model_->forward(images_), labels_);
    }
    loss.backward();
    optimizer_->step();
    optimizer_->drop_grad();
    return loss.detach();
  }

  Tensor predict() {
    const autograd::NoGradGuard no_grad;
    const autograd::AutocastGuard guard(autocast_);
    return model_->forward(images_);
  }

  /// Ends training, with running statistics that have seen the batch.
  void to_prediction() {
    (void)predict();
    model_->eval();
  }

  /// Copies of weights, buffers and the batch.
  [[nodiscard]] std::vector<NamedTensor> inputs() const {
    std::vector<NamedTensor> tensors = {{"images", images_}, {"labels", labels_}};
    for (const NamedTensor& entry : model_->state_dict()) {
      tensors.push_back({"state." + entry.name, entry.tensor.detach().clone()});
    }
    return tensors;
  }

  /// Of a prediction; of an update when `trains`. The first layer needs no gradient of its input, and SGD reads or
  /// writes five arrays of the size of the parameters.
  [[nodiscard]] specs::Cost cost(bool trains) {
    const std::vector<models::LayerSummary> layers = models::summarize(*model_, [this] { (void)predict(); });
    double forward = 0;
    for (const models::LayerSummary& layer : layers) {
      forward += 2.0 * double(layer.multiply_adds);
    }
    const double first = 2.0 * double(layers.front().multiply_adds);
    double parameter_bytes = 0;
    for (const NamedTensor& parameter : model_->named_parameters()) {
      parameter_bytes += double(parameter.tensor.size_bytes());
    }
    return {.bytes = parameter_bytes * (trains ? 5 : 1), .flops = trains ? 3 * forward - first : forward};
  }

 private:
  std::optional<DType> autocast_;
  std::unique_ptr<models::Classifier> model_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  Tensor images_;
  Tensor labels_;
};

Work prepare_update(const Network& network, DType dtype) {
  const auto setup = std::make_shared<Setup>(network, dtype == DType::f32 ? std::nullopt : std::optional(dtype));
  Work work{.run = [setup] { setup->update(); }, .cost = {}, .dtype = dtype, .tensors = setup->inputs()};
  for (int i = 0; i < kCheckedUpdates; ++i) {
    work.tensors.push_back({fmt::format("loss{}", i), setup->update()});
  }
  work.cost = setup->cost(true);
  return work;
}

Work prepare_prediction(const Network& network, DType dtype) {
  const auto setup = std::make_shared<Setup>(network, dtype == DType::f32 ? std::nullopt : std::optional(dtype));
  setup->to_prediction();
  Work work{.run = [setup] { (void)setup->predict(); },
            .cost = setup->cost(false),
            .dtype = dtype,
            .tensors = setup->inputs()};
  work.tensors.push_back({"logits", setup->predict().to(DType::f32)});
  return work;
}

}  // namespace

std::vector<BenchCase> network_cases() {
  const Network networks[] = {
      {"resnet50", "resnet50", {}, {16, 224, 224, 3}},
      {"resnext50_32x4d", "resnext50_32x4d", {}, {16, 224, 224, 3}},
      {"resnet18_cifar", "resnet18", kCifarForm, {128, 32, 32, 3}},
  };
  std::vector<BenchCase> cases;
  for (const Network& network : networks) {
    for (const auto& [dtype, dtype_name] : {std::pair{DType::f32, "fp32"}, std::pair{DType::bf16, "bf16"}}) {
      const std::string name = fmt::format("{}/N{}_{}x{}/{}", network.name, network.images[0], network.images[1],
                                           network.images[2], dtype_name);
      cases.push_back({name + "/update", [=] { return prepare_update(network, dtype); }});
      cases.push_back({name + "/predict", [=] { return prepare_prediction(network, dtype); }});
    }
  }
  return cases;
}

}  // namespace lv::bench
