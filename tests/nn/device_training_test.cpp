// Whole training steps on the device `cuda`, which in the emulated build runs the shipped kernels' text on the host.

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "autograd/autocast.h"
#include "autograd/registry.h"
#include "core/cuda/driver.h"
#include "core/generator.h"
#include "ops/losses.h"
#include "optim/adam.h"
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

/// What a training run leaves behind.
struct Record {
  std::vector<double> losses;
  std::vector<double> norms;  // of the parameters, L2

  bool operator==(const Record&) const = default;
};

/// How often each op ran and copied an input whose layout its kernels do not take.
using Counters = std::map<std::string_view, std::array<int64_t, 4>>;

Counters take_counters() {
  Counters result;
  for (const autograd::OpStatistics* op : autograd::registered_ops()) {
    result[op->name] = {op->forward_calls, op->backward_calls, op->reference_calls, op->contiguous_copies};
  }
  autograd::reset_op_statistics();
  return result;
}

/// The largest difference, relative to values above 1.
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double result = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(a[i] - b[i]) / std::max(1.0, std::abs(b[i]));
    result = std::isnan(difference) ? INFINITY : std::max(result, difference);
  }
  return result;
}

/// `Net` is built with `make_net`, trained by what `make_optimizer` makes of its parameters; `low` turns autocast on.
template <class Net>
Record train(const std::function<std::unique_ptr<Net>()>& make_net,
             const std::function<std::unique_ptr<optim::Optimizer>(optim::TrainedParameters)>& make_optimizer,
             std::optional<DType> low, Device device) {
  manual_seed(5);
  const auto net = make_net();
  const Tensor images = Tensor::empty({4, 16, 16, 3});
  nn::init::normal(images, 0, 1);
  const Tensor labels = Tensor::from<int64_t>({0, 3, 1, 4}, {4}).to(device);
  net->to(device);
  const auto parameters = net->named_parameters();
  const auto optimizer = make_optimizer(optim::configure(parameters));
  const Tensor x = images.to(device);
  Record record;
  for (int step = 0; step < kSteps; ++step) {
    Tensor loss;
    {
      std::optional<autograd::AutocastGuard> autocast;
      if (low.has_value()) {
        autocast.emplace(*low);
      }
      loss = ops::cross_entropy(net->forward(x), labels);
    }
    optimizer->drop_grad();
    loss.backward();
    optimizer->step();
    record.losses.push_back(loss.item());
  }
  for (const NamedTensor& parameter : parameters) {
    double sum = 0;
    for (const float value : parameter.tensor.to_vector<float>()) {
      sum += double(value) * double(value);
    }
    record.norms.push_back(std::sqrt(sum));
  }
  return record;
}

Record train_resnet(std::optional<DType> low, Device device) {
  return train<test::ResNet18>([] { return std::make_unique<test::ResNet18>(4, 5); },
                               [](optim::TrainedParameters p) {
                                 return std::make_unique<optim::Sgd>(std::move(p),
                                                                     optim::SgdOptions{.lr = 0.05, .momentum = 0.9});
                               },
                               low, device);
}

Record train_vit(std::optional<DType> low, Device device) {
  return train<test::SmallViT>([] { return std::make_unique<test::SmallViT>(16, 24, 3, 5); },
                               [](optim::TrainedParameters p) {
                                 return std::make_unique<optim::AdamW>(
                                     std::move(p), optim::AdamOptions{.lr = 1e-3, .weight_decay = 0.05});
                               },
                               low, device);
}

using Run = std::function<Record(std::optional<DType>, Device)>;

/// Trains in every lane order; the orders must agree bit for bit, and the ops run as often as in `host_counters`.
Record train_on_device(const Run& run, std::optional<DType> low, const Counters& host_counters) {
  std::vector<Record> records;
  for (const int order : lane_orders()) {
    INFO("lane order " << order);
    set_lane_order(order);
    take_counters();
    records.push_back(run(low, Device::cuda()));
    CHECK(take_counters() == host_counters);
    CHECK(records.back() == records.front());
  }
  set_lane_order(0);
  return records.front();
}

void check_device(const Run& run) {
  take_counters();
  const Record host = run(std::nullopt, Device::cpu());
  const Record device = train_on_device(run, std::nullopt, take_counters());
  CHECK(distance(device.losses, host.losses) < 2e-4);
  CHECK(distance(device.norms, host.norms) < 2e-4);
  // Rounding to bfloat16 in another order moves all that follows, so the device's error is measured by the host's.
  take_counters();
  const Record host_low = run(DType::bf16, Device::cpu());
  const Record device_low = train_on_device(run, DType::bf16, take_counters());
  CHECK(distance(device_low.losses, host.losses) < 2 * distance(host_low.losses, host.losses));
  CHECK(distance(device_low.norms, host.norms) < 2 * distance(host_low.norms, host.norms));
  CHECK(device_low.losses[0] == Approx(host.losses[0]).epsilon(0.02));
}

}  // namespace

TEST_CASE("networks train on the device as on the host, with float32 and with bfloat16, in every lane order") {
  if (cuda::device_count() == 0) {
    test::skip("no device in this build or machine");
    return;
  }
  SECTION("ResNet-18") { check_device(train_resnet); }
  SECTION("a vision transformer") { check_device(train_vit); }
}

TEST_CASE("a training step of ResNet-18 copies no input for its layout") {
  take_counters();
  train_resnet(std::nullopt, Device::cpu());
  for (const auto& [op, counts] : take_counters()) {
    INFO(op);
    CHECK(counts[2] == 0);
    CHECK(counts[3] == 0);
  }
}

TEST_CASE("bfloat16 autocast computes the loss of float32, within its precision") {
  for (const auto run : {&train_resnet, &train_vit}) {
    const double full = run(std::nullopt, Device::cpu()).losses[0];
    const double low = run(DType::bf16, Device::cpu()).losses[0];
    CHECK(low != full);
    CHECK(low == Approx(full).epsilon(0.02));
  }
}
