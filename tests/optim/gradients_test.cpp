#include "optim/gradients.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "optim/loss_scaler.h"
#include "tests/optim/support.h"

using namespace lv;
using namespace lv::optim;
using Catch::Contains;

namespace {

std::vector<NamedTensor> make_parameters(Device device) {
  std::vector<NamedTensor> parameters;
  const std::vector<std::pair<DType, Shape>> kinds{
      {DType::f32, {50, 1001}}, {DType::f64, {33}}, {DType::f32, {}}, {DType::f32, {0}}, {DType::f32, {5}}};
  for (const auto& [dtype, shape] : kinds) {
    const std::string name = fmt::format("p{}", parameters.size());
    const Tensor value = Tensor::zeros(shape, dtype, device).set_requires_grad();
    if (parameters.size() < 4) {  // the last one has no gradient
      value.set_grad(test::fixture_tensor(name, shape, 3).to(dtype).to(device));
    }
    parameters.push_back({name, value});
  }
  return parameters;
}

std::vector<std::vector<double>> gradients_of(const std::vector<NamedTensor>& parameters) {
  std::vector<std::vector<double>> result;
  for (const NamedTensor& p : parameters) {
    result.push_back(p.tensor.grad().defined() ? test::doubles(p.tensor.grad()) : std::vector<double>{});
  }
  return result;
}

double square_sum(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value * value;
  }
  return sum;
}

void check_scaled(const std::vector<double>& after, const std::vector<double>& before, double factor) {
  for (size_t i = 0; i < before.size(); ++i) {
    REQUIRE(after[i] == Approx(before[i] * factor).epsilon(1e-6));
  }
}

}  // namespace

TEST_CASE("clipping brings the common norm down by one factor") {
  for (const Device device : test::devices()) {
    test::in_every_lane_order(device, [&] {
      const auto parameters = make_parameters(device);
      const auto before = gradients_of(parameters);
      double total = 0;
      for (const auto& values : before) {
        total += square_sum(values);
      }
      Gradients gradients(parameters);
      CHECK(gradients.norm().item() == Approx(std::sqrt(total)).epsilon(1e-6));
      CHECK(gradients.clip_norm(1.5).item() == Approx(std::sqrt(total)).epsilon(1e-6));
      const auto after = gradients_of(parameters);
      for (size_t i = 0; i < before.size(); ++i) {
        check_scaled(after[i], before[i], 1.5 / (std::sqrt(total) + 1e-6));
      }
      CHECK(gradients.norm().item() == Approx(1.5).epsilon(1e-6));
      gradients.clip_norm(1e6);
      CHECK(gradients_of(parameters) == after);
    });
  }
}

TEST_CASE("each gradient is clipped by its own norm") {
  for (const Device device : test::devices()) {
    test::in_every_lane_order(device, [&] {
      const auto parameters = make_parameters(device);
      const auto before = gradients_of(parameters);
      Gradients gradients(parameters);
      const auto norms = test::doubles(gradients.clip_each_norm(5));
      const auto after = gradients_of(parameters);
      REQUIRE(norms.size() == 4);
      // Tensors of f32 come before those of f64 in the tables, but results keep the order of the parameters.
      for (size_t i = 0; i < 4; ++i) {
        const double norm = std::sqrt(square_sum(before[i]));
        CHECK(norms[i] == Approx(norm).epsilon(1e-6).margin(1e-12));
        check_scaled(after[i], before[i], std::min(1.0, 5 / (norm + 1e-6)));
      }
    });
  }
}

TEST_CASE("the clipped gradients have the same bits for any number of threads") {
  const int threads = num_threads();
  std::vector<std::vector<std::vector<double>>> results;
  for (const int n : {1, 2, 3}) {
    set_num_threads(n);
    const auto parameters = make_parameters(Device::cpu());
    Gradients(parameters).clip_norm(1);
    results.push_back(gradients_of(parameters));
  }
  set_num_threads(threads);
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

TEST_CASE("one infinite or NaN gradient is found wherever it is") {
  for (const Device device : test::devices()) {
    for (const double bad : {double(INFINITY), -double(INFINITY), double(NAN)}) {
      for (const int64_t place : {int64_t{0}, int64_t{16384}, int64_t{50049}}) {
        const auto parameters = make_parameters(device);
        Gradients gradients(parameters);
        REQUIRE(gradients.scale_and_check(0.5));
        const Tensor grad = parameters[0].tensor.grad().view({-1});
        grad.slice(0, place, place + 1).fill(bad);
        REQUIRE(!gradients.scale_and_check(0.5));
      }
    }
    const auto parameters = make_parameters(device);
    const auto before = gradients_of(parameters);
    CHECK(Gradients(parameters).scale_and_check(0.25));
    check_scaled(gradients_of(parameters)[0], before[0], 0.25);
    // Finite numbers whose square or product overflows.
    parameters[0].tensor.grad().fill(3e38);
    CHECK(Gradients(parameters).scale_and_check(1));
    CHECK(!Gradients(parameters).scale_and_check(2));
  }
}

TEST_CASE("the loss scaler follows a script of overflows") {
  const Tensor w = Tensor::zeros({3}).set_requires_grad();
  Gradients gradients({{"w", w}});
  LossScaler scaler({.initial_scale = 1024, .growth_interval = 3, .min_scale = 256});
  const auto step = [&](bool overflows) {
    w.set_grad(Tensor::full({3}, overflows ? double(INFINITY) : scaler.scale() * 2));
    const bool is_clean = scaler.unscale(gradients);
    CHECK(is_clean == !overflows);
    if (is_clean) {
      CHECK(w.grad().to_vector<float>() == std::vector<float>{2, 2, 2});
    }
    return scaler.scale();
  };
  CHECK(step(false) == 1024);
  CHECK(step(false) == 1024);
  CHECK(step(true) == 512);  // and the count of clean steps starts again
  CHECK(step(false) == 512);
  CHECK(step(false) == 512);
  CHECK(step(false) == 1024);
  CHECK(step(false) == 1024);

  State state;
  scaler.save(StateWriter(state));
  LossScaler resumed({.initial_scale = 1, .growth_interval = 3, .min_scale = 1});
  resumed.load(StateReader(state));
  CHECK(resumed.scale() == 1024);
  w.set_grad(Tensor::zeros({3}));
  CHECK(resumed.unscale(gradients));
  w.set_grad(Tensor::zeros({3}));
  CHECK(resumed.unscale(gradients));
  CHECK(resumed.scale() == 2048);

  CHECK(step(true) == 512);
  CHECK(step(true) == 256);
  CHECK_THROWS_WITH(step(true), Contains("at a scale of 256"));
}

TEST_CASE("the loss scaler seeds the backward pass") {
  const Tensor w = Tensor::full({}, 3).set_requires_grad();
  LossScaler scaler;
  scaler.backward(w);
  CHECK(w.grad().item() == 65536);
  CHECK_THROWS_WITH(scaler.backward(Tensor::zeros({}, DType::f16)), Contains("loss is f16"));
}
