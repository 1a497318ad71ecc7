#include "optim/optimizer.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "core/allocator.h"
#include "core/parallel.h"
#include "optim/adam.h"
#include "optim/lookahead.h"
#include "optim/sgd.h"
#include "tests/optim/support.h"

using namespace lv;
using namespace lv::optim;
using Catch::Contains;

namespace {

/// Several chunks with a tail, one chunk, a single element, an empty tensor, and one stored in another order.
std::vector<NamedTensor> make_parameters(DType dtype, Device device) {
  const std::vector<std::pair<std::string, Shape>> shapes{
      {"large", {37, 1000}}, {"small", {7}}, {"scalar", {}}, {"empty", {0, 3}}};
  std::vector<NamedTensor> parameters;
  for (const auto& [name, shape] : shapes) {
    parameters.push_back({name, test::fixture_tensor(name, shape).to(dtype).to(device)});
  }
  const Tensor stored = test::fixture_tensor("conv", {8, 3, 3, 5}).to(dtype).to(device);
  parameters.push_back({"conv", stored.permute({0, 3, 1, 2})});
  for (const NamedTensor& parameter : parameters) {
    parameter.tensor.set_requires_grad();
  }
  return parameters;
}

void set_gradients(const std::vector<NamedTensor>& parameters, int step) {
  for (const NamedTensor& p : parameters) {
    const std::string name = fmt::format("{}/{}", step, p.name);
    p.tensor.set_grad(test::fixture_tensor(name, p.tensor.shape()).to(p.tensor.dtype()).to(p.tensor.device()));
  }
}

std::vector<std::vector<double>> values_of(const std::vector<NamedTensor>& parameters) {
  std::vector<std::vector<double>> result;
  for (const NamedTensor& parameter : parameters) {
    result.push_back(test::doubles(parameter.tensor));
  }
  return result;
}

std::unique_ptr<Optimizer> make_lookahead(const std::vector<NamedTensor>& parameters) {
  return std::make_unique<Lookahead>(
      std::make_unique<RAdam>(configure(parameters), AdamOptions{.lr = 0.01}, RAdamEps::after_correction),
      LookaheadOptions{.interval = 2});
}

std::unique_ptr<Optimizer> make_lars(const std::vector<NamedTensor>& parameters) {
  return std::make_unique<Lars>(configure(parameters), LarsOptions{.lr = 10, .weight_decay = 1e-4});
}

void train(Optimizer& optimizer, const std::vector<NamedTensor>& parameters, int first, int last) {
  for (int step = first; step < last; ++step) {
    set_gradients(parameters, step);
    optimizer.step();
  }
}

}  // namespace

TEST_CASE("optimizers: one momentum step agrees with a plain loop in every layout") {
  for (const Device device : test::devices()) {
    const auto parameters = make_parameters(DType::f64, device);
    const auto before = values_of(parameters);
    Sgd sgd(configure(parameters), {.lr = 0.5, .momentum = 0.9, .weight_decay = 0.1});
    set_gradients(parameters, 0);
    sgd.step(0.25);
    const auto after = values_of(parameters);
    for (size_t i = 0; i < parameters.size(); ++i) {
      const auto grad = test::doubles(parameters[i].tensor.grad());
      for (size_t k = 0; k < before[i].size(); ++k) {
        REQUIRE(after[i][k] == Approx(before[i][k] - 0.5 * (0.25 * grad[k] + 0.1 * before[i][k])).epsilon(1e-14));
      }
    }
  }
}

TEST_CASE("optimizers: the same bits for any number of threads") {
  const int threads = num_threads();
  for (const auto make : {&make_lookahead, &make_lars}) {
    std::vector<std::vector<std::vector<double>>> results;
    for (const int n : {1, 2, 3}) {
      set_num_threads(n);
      const auto parameters = make_parameters(DType::f32, Device::cpu());
      const auto optimizer = make(parameters);
      train(*optimizer, parameters, 0, 4);
      results.push_back(values_of(parameters));
    }
    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
  }
  set_num_threads(threads);
}

TEST_CASE("optimizers: saved and loaded in the middle, the run goes on bit for bit") {
  for (const Device device : test::devices()) {
    for (const auto make : {&make_lookahead, &make_lars}) {
      const auto straight = make_parameters(DType::f32, device);
      const auto whole = make(straight);
      train(*whole, straight, 0, 7);

      const auto first_half = make_parameters(DType::f32, device);
      const auto before = make(first_half);
      train(*before, first_half, 0, 3);
      State state;
      before->save(StateWriter(state, "optimizer."));

      const auto second_half = make_parameters(DType::f32, device);
      const auto after = make(second_half);
      for (size_t i = 0; i < second_half.size(); ++i) {
        second_half[i].tensor.copy_from(first_half[i].tensor);
      }
      after->load(StateReader(state, "optimizer."));
      CHECK(after->step_count() == 3);
      train(*after, second_half, 3, 7);
      CHECK(values_of(second_half) == values_of(straight));
    }
  }
}

TEST_CASE("optimizers: a parameter without gradient waits, and its moments are corrected from its own first step") {
  const auto make_pair = [] {
    return std::vector<NamedTensor>{{"early", Tensor::full({3}, 1, DType::f64).set_requires_grad()},
                                    {"late", Tensor::full({3}, 1, DType::f64).set_requires_grad()}};
  };
  const auto parameters = make_pair();
  AdamW adamw(configure(parameters), {.lr = 0.1, .weight_decay = 0.5});
  const Tensor grad = Tensor::full({3}, 0.3, DType::f64);
  parameters[0].tensor.set_grad(grad);
  adamw.step();
  const double after_first_step = parameters[0].tensor.select(0, 0).item();
  CHECK(parameters[1].tensor.select(0, 0).item() == 1);
  parameters[1].tensor.set_grad(grad);
  adamw.step();
  CHECK(parameters[1].tensor.select(0, 0).item() == after_first_step);
}

TEST_CASE("optimizers: rules combine, and one that selects nothing is an error") {
  const std::vector<NamedTensor> parameters{{"backbone.conv.weight", Tensor::zeros({2, 2})},
                                            {"backbone.bn.bias", Tensor::zeros({2})},
                                            {"head.bias", Tensor::zeros({2})}};
  const auto configured = configure(parameters, {{.pattern = "backbone.*", .lr_multiplier = 0.5},
                                                 {.max_rank = 1, .weight_decay = 0.0},
                                                 {.pattern = "*.bn.*", .lr_multiplier = 0.5}});
  CHECK(configured[0].lr_multiplier == 0.5);
  CHECK(!configured[0].weight_decay.has_value());
  CHECK(configured[1].lr_multiplier == 0.25);
  CHECK(configured[1].weight_decay == 0.0);
  CHECK(configured[2].lr_multiplier == 1);
  CHECK_THROWS_WITH(configure(parameters, {{.pattern = "backbon.*"}}), Contains("backbon.*"));
}

TEST_CASE("optimizers: multipliers and weight decays of single parameters are obeyed") {
  const std::vector<NamedTensor> parameters{{"a", Tensor::full({2}, 1).set_requires_grad()},
                                            {"b", Tensor::full({2}, 1).set_requires_grad()}};
  Sgd sgd(configure(parameters, {{.pattern = "b", .lr_multiplier = 0.5, .weight_decay = 0.0}}),
          {.lr = 0.5, .weight_decay = 1});
  for (const NamedTensor& p : parameters) {
    p.tensor.set_grad(Tensor::full({2}, 1));
  }
  sgd.step();
  CHECK(parameters[0].tensor.to_vector<float>() == std::vector<float>{0, 0});
  CHECK(parameters[1].tensor.to_vector<float>() == std::vector<float>{0.75, 0.75});
}

TEST_CASE("optimizers: what cannot be trained is refused by name") {
  const Tensor half = Tensor::zeros({2}, DType::bf16).set_requires_grad();
  CHECK_THROWS_WITH(Sgd(configure(std::vector<NamedTensor>{{"w", half}})), Contains("w is bf16; wants f32 or f64"));
  const Tensor gaps = Tensor::zeros({4, 4}).slice(1, 0, 2).set_requires_grad();
  CHECK_THROWS_WITH(Sgd(configure(std::vector<NamedTensor>{{"w", gaps}})), Contains("has gaps"));
  const Tensor w = Tensor::zeros({2}).set_requires_grad();
  CHECK_THROWS_WITH(Sgd(configure(std::vector<NamedTensor>{{"w", w}, {"w2", w}})), Contains("w2 is another parameter"));
  Sgd sgd(configure(std::vector<NamedTensor>{{"w", w}}));
  CHECK_THROWS_WITH(sgd.step(), Contains("no parameter has a gradient"));
}

TEST_CASE("optimizers: state of another shape is refused") {
  const auto make = [](const Shape& shape) {
    return Sgd(configure(std::vector<NamedTensor>{{"w", Tensor::zeros(shape).set_requires_grad()}}),
               {.lr = 1, .momentum = 0.9});
  };
  State state;
  make({2, 3}).save(StateWriter(state));
  auto other = make({3, 2});
  CHECK_THROWS_WITH(other.load(StateReader(state)), Contains("momentum of w is [2, 3], wanted [3, 2]"));
}

TEST_CASE("optimizers: zero_grad keeps the gradients' memory, drop_grad gives it back") {
  const Tensor w = Tensor::zeros({2}).set_requires_grad();
  const Tensor grad = Tensor::full({2}, 3);
  w.set_grad(grad);
  Sgd sgd(configure(std::vector<NamedTensor>{{"w", w}}));
  sgd.zero_grad();
  CHECK(w.grad().is_same(grad));
  CHECK(grad.to_vector<float>() == std::vector<float>{0, 0});
  sgd.drop_grad();
  CHECK(!w.grad().defined());
}

TEST_CASE("an optimizer keeps no gradients beyond its step") {
  const Tensor weight = Tensor::zeros({1000}).set_requires_grad();
  Sgd optimizer({{.name = "weight", .tensor = weight}}, {.lr = 0.1});
  const int64_t before = allocator(Device::cpu()).stats().allocated_bytes;
  weight.set_grad(Tensor::full({1000}, 1.0));
  optimizer.step();
  optimizer.drop_grad();
  CHECK(allocator(Device::cpu()).stats().allocated_bytes == before);
}
