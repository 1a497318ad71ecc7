// Ten steps of every optimizer against those of the public implementations, recorded in float64.
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>

#include "core/safetensors.h"
#include "optim/adam.h"
#include "optim/lookahead.h"
#include "optim/schedule.h"
#include "optim/sgd.h"
#include "tests/fixture.h"
#include "tests/optim/support.h"

using namespace lv;
using namespace lv::optim;

namespace {

constexpr int kSteps = 10;

const std::map<std::string, Shape> kShapes{
    {"conv.weight", {4, 3, 3, 3}}, {"fc.weight", {5, 7}}, {"norm.weight", {6}}, {"fc.bias", {5}}, {"scale", {1}}};

struct Recipe {
  std::string name;
  std::function<std::unique_ptr<Optimizer>(TrainedParameters)> make;
  Schedule lr;
};

template <class O, class Options, class... Rest>
Recipe recipe(std::string name, Options options, Rest... rest) {
  return {std::move(name), [=](TrainedParameters p) { return std::make_unique<O>(std::move(p), options, rest...); },
          constant(options.lr)};
}

Recipe with_lookahead(std::string name, const Recipe& inner, int interval) {
  return {std::move(name),
          [=](TrainedParameters p) {
            return std::make_unique<Lookahead>(inner.make(std::move(p)),
                                               LookaheadOptions{.interval = interval, .rate = 0.5});
          },
          inner.lr};
}

Recipe with_schedule(std::string name, Recipe inner, Schedule lr) {
  inner.name = std::move(name);
  inner.lr = std::move(lr);
  return inner;
}

std::vector<Recipe> recipes() {
  const SgdOptions sgd{.lr = 0.1};
  const SgdOptions momentum{.lr = 0.1, .momentum = 0.9};
  const SgdOptions nesterov{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.05, .nesterov = true};
  const AdamOptions adam{.lr = 0.01};
  const AdamOptions adam_decay{.lr = 0.01, .weight_decay = 0.05};
  const AdamOptions spec{.lr = 0.01, .eps = 1e-7};
  const auto radam_torch = recipe<RAdam>("radam_torch", adam, RAdamEps::before_correction);
  const auto radam_spec = recipe<RAdam>("radam_spec", spec, RAdamEps::after_correction);
  return {
      recipe<Sgd>("sgd", sgd),
      recipe<Sgd>("sgd_momentum", momentum),
      recipe<Sgd>("sgd_momentum_wd", SgdOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.05}),
      recipe<Sgd>("sgd_nesterov_wd", nesterov),
      with_schedule("sgd_nesterov_wd_lr_schedule", recipe<Sgd>("", nesterov), linear(0.1, 0, kSteps)),
      recipe<Adam>("adam", adam),
      recipe<Adam>("adam_l2", adam_decay),
      recipe<AdamW>("adamw", adam_decay),
      with_schedule("adamw_lr_schedule", recipe<AdamW>("", AdamOptions{.lr = 0.01, .beta2 = 0.95, .weight_decay = 0.1}),
                    polynomial(0.01, 0, kSteps, 1)),
      radam_torch,
      recipe<RAdam>("radam_torch_l2", adam_decay, RAdamEps::before_correction),
      radam_spec,
      with_lookahead("lookahead_radam_k5", radam_torch, 5),
      with_lookahead("lookahead_radam_spec_k6", radam_spec, 6),
      with_lookahead("lookahead_sgd_k5", recipe<Sgd>("", momentum), 5),
      recipe<Lars>("lars_ibot", LarsOptions{.lr = 0.5, .momentum = 0.9, .weight_decay = 0.05, .trust = 0.001}),
  };
}

Tensor gradient(int step, const std::string& name, const Shape& shape) {
  Tensor grad = test::fixture_tensor("grad/" + std::to_string(step) + "/" + name, shape);
  if (grad.numel() > 1) {
    grad.data<float>()[0] = 0;
  }
  return grad;
}

/// The largest difference to the record, relative to its largest value, over steps and parameters.
double worst_error(const Recipe& recipe, const SafetensorsFile& record, DType dtype, Device device) {
  TrainedParameters parameters;
  for (const auto& [name, shape] : kShapes) {
    const Tensor value = test::fixture_tensor("param/" + name, shape, 0.5).to(dtype).to(device);
    parameters.push_back({name, Tensor(value).set_requires_grad(), 1, std::nullopt});
  }
  const auto optimizer = recipe.make(parameters);
  std::map<std::string, std::vector<double>> rows;
  for (int step = 0; step < kSteps; ++step) {
    optimizer->set_lr(recipe.lr(step));
    for (const TrainedParameter& p : parameters) {
      p.tensor.set_grad(gradient(step, p.name, p.tensor.shape()).to(dtype).to(device));
    }
    optimizer->step();
    for (const TrainedParameter& p : parameters) {
      const auto values = test::doubles(p.tensor);
      rows[p.name].insert(rows[p.name].end(), values.begin(), values.end());
    }
  }
  double worst = 0;
  for (const auto& [name, values] : rows) {
    const auto wanted = record.at("float64/" + recipe.name + "/" + name).to_vector<double>();
    REQUIRE(values.size() == wanted.size());
    double difference = 0;
    double largest = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      difference = std::max(difference, std::abs(values[i] - wanted[i]));
      largest = std::max(largest, std::abs(wanted[i]));
    }
    worst = std::max(worst, difference / largest);
  }
  return worst;
}

}  // namespace

TEST_CASE("ten steps of every optimizer equal those of the public implementations") {
  const SafetensorsFile record = load_safetensors(test::fixture("optimizer_steps.safetensors"));
  for (const Recipe& recipe : recipes()) {
    for (const Device device : test::devices()) {
      test::in_every_lane_order(device, [&] {
        INFO(fmt::format("{} on {}", recipe.name, device));
        CHECK(worst_error(recipe, record, DType::f64, device) < 1e-13);
        CHECK(worst_error(recipe, record, DType::f32, device) < 1e-6);
      });
    }
  }
}
