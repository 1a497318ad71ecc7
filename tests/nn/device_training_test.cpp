// Whole training steps on the device `cuda`, which in the emulated build runs the shipped kernels' text on the host.

#include <catch2/catch.hpp>

#include "autograd/registry.h"
#include "core/cuda/driver.h"
#include "core/generator.h"
#include "ops/losses.h"
#include "optim/sgd.h"
#include "tests/nn/networks.h"
#include "tests/skip.h"
#if defined(LV_CUDA_EMULATED)
#include "kernels/simt/emulator.h"
#endif

using namespace lv;

namespace {

constexpr int kSteps = 3;

std::vector<int> lane_orders() {
#if defined(LV_CUDA_EMULATED)
  return {0, 1, 2};
#else
  return {0};
#endif
}

void set_lane_order([[maybe_unused]] int order) {
#if defined(LV_CUDA_EMULATED)
  simt::options().order = simt::LaneOrder(order);
#endif
}

/// Losses of the steps, then the sum of squares of every parameter.
std::vector<double> train_resnet(Device device) {
  manual_seed(5);
  test::ResNet18 net(4, 5);
  const Tensor images = Tensor::empty({4, 16, 16, 3});
  nn::init::normal(images, 0, 1);
  const Tensor labels = Tensor::from<int64_t>({0, 3, 1, 4}, {4}).to(device);
  net.to(device);
  optim::TrainedParameters parameters;
  for (const NamedTensor& parameter : net.named_parameters()) {
    parameters.push_back({parameter.name, parameter.tensor});
  }
  optim::Sgd sgd(parameters, {.lr = 0.05, .momentum = 0.9});
  std::vector<double> record;
  const Tensor x = images.to(device);
  for (int step = 0; step < kSteps; ++step) {
    const Tensor loss = ops::cross_entropy(net.forward(x), labels);
    sgd.drop_grad();
    loss.backward();
    sgd.step();
    record.push_back(loss.item());
  }
  for (const NamedTensor& parameter : net.named_parameters()) {
    double sum = 0;
    for (const float value : parameter.tensor.to_vector<float>()) {
      sum += double(value) * double(value);
    }
    record.push_back(sum);
  }
  return record;
}

}  // namespace

TEST_CASE("ResNet-18 trains on the device as on the host, in every lane order and without a fallback") {
  if (cuda::device_count() == 0) {
    test::skip("no device in this build or machine");
    return;
  }
  const std::vector<double> host = train_resnet(Device::cpu());
  autograd::reset_op_statistics();
  std::vector<double> first;
  for (const int order : lane_orders()) {
    set_lane_order(order);
    const std::vector<double> device = train_resnet(Device::cuda());
    REQUIRE(device.size() == host.size());
    for (size_t i = 0; i < host.size(); ++i) {
      INFO("entry " << i << " in lane order " << order);
      CHECK(device[i] == Approx(host[i]).epsilon(2e-4));
    }
    first = first.empty() ? device : first;
    CHECK(device == first);
  }
  set_lane_order(0);
  for (const autograd::OpStatistics* op : autograd::registered_ops()) {
    INFO(op->name);
    CHECK(op->contiguous_copies == 0);
    CHECK(op->reference_calls == 0);
  }
}
