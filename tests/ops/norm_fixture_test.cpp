// Norms against PyTorch's outputs and gradients.

#include <catch2/catch.hpp>

#include "ops/norm.h"
#include "ops/shape.h"
#include "tests/ops/op_fixture.h"

using namespace lv;
using namespace lv::ops;
using lv::test::OpFixture;

namespace {

const char* const kFile = "ops/norm.safetensors";

Tensor find(const OpFixture::Named& in, const std::string& name) { return in.contains(name) ? in.at(name) : Tensor{}; }

/// A record of batch norm: how often the batch is shown, and with which momentum each time.
struct Steps {
  BatchNormOptions options;
  std::vector<double> momenta = {0.1};
};

const std::map<std::string, Steps>& batch_norm_cases() {
  static const std::map<std::string, Steps> cases{
      {"bn_train", {}},
      {"bn_eval", {.options = {.training = false}}},
      {"bn_train_eps_momentum", {.options = {.eps = 1e-3}, .momenta = {0.01}}},
      {"bn_train_two_steps", {.options = {}, .momenta = {0.1, 0.1}}},
      {"bn_train_cumulative", {.options = {}, .momenta = {1, 1.0 / 2, 1.0 / 3}}},
      {"bn_train_2d", {}},
      {"bn_train_1d", {}},
      {"bn_train_batch1", {}},
      {"bn_train_constant", {}},
      {"bn_train_large_mean", {}},
      {"bn_train_no_affine", {}}};
  return cases;
}

/// Channels of the records are the second axis; ours are the last.
Tensor channels_to_end(const Tensor& x) {
  if (x.rank() == 4) {
    return permute(x, {0, 2, 3, 1});
  }
  return x.rank() == 3 ? permute(x, {0, 2, 1}) : x;
}
Tensor channels_to_front(const Tensor& x) {
  if (x.rank() == 4) {
    return permute(x, {0, 3, 1, 2});
  }
  return x.rank() == 3 ? permute(x, {0, 2, 1}) : x;
}

Tensor run(const Steps& steps, const OpFixture::Named& in, const Tensor& running_mean, const Tensor& running_var) {
  Tensor y;
  for (const double momentum : steps.momenta) {
    BatchNormOptions options = steps.options;
    options.momentum = momentum;
    y = batch_norm(channels_to_end(in.at("x")), find(in, "weight"), find(in, "bias"), running_mean, running_var,
                   options);
  }
  return channels_to_front(y);
}

double distance(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = a.to(DType::f64).to_vector<double>();
  const std::vector<double> y = b.to(DType::f64).to_vector<double>();
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    worst = std::max(worst, std::abs(x[i] - y[i]) / std::max(1.0, std::abs(y[i])));
  }
  return worst;
}

}  // namespace

TEST_CASE("batch norm equals PyTorch's, running statistics included") {
  const OpFixture fixture(kFile);
  for (const auto& [name, steps] : batch_norm_cases()) {
    DYNAMIC_SECTION(name) {
      fixture.check(name, {}, [&, &name = name, &steps = steps](const OpFixture::Named& in) {
        const Tensor mean = in.at("running_mean").clone();
        const Tensor var = in.at("running_var").clone();
        Tensor y = run(steps, in, mean, var);
        const double allowed = y.dtype() == DType::f64 ? 1e-12 : 1e-6;
        CHECK(distance(mean, fixture.at(name + "/new_running_mean")) <= allowed);
        CHECK(distance(var, fixture.at(name + "/new_running_var")) <= allowed);
        return y;
      });
    }
  }
}

TEST_CASE("layer norm equals PyTorch's") {
  const OpFixture fixture(kFile);
  const std::map<std::string, double> cases{{"layer_norm_eps1e-05", 1e-5},
                                            {"layer_norm_eps1e-06", 1e-6},
                                            {"layer_norm_eps1e-12", 1e-12},
                                            {"layer_norm_384", 1e-6},
                                            {"layer_norm_constant_row", 1e-5}};
  for (const auto& [name, eps] : cases) {
    DYNAMIC_SECTION(name) {
      fixture.check(name, {}, [eps = eps](const OpFixture::Named& in) {
        return layer_norm(in.at("x"), in.at("weight"), in.at("bias"), {.eps = eps});
      });
    }
  }
}

TEST_CASE("layer norm over two axes is one over their product") {
  OpFixture(kFile).check("layer_norm_2dims", {}, [](const OpFixture::Named& in) {
    const Shape shape = in.at("x").shape();
    const int64_t count = shape[1] * shape[2];
    return reshape(layer_norm(reshape(in.at("x"), {shape[0], count}), reshape(in.at("weight"), {count}),
                              reshape(in.at("bias"), {count})),
                   shape);
  });
}

TEST_CASE("group norm equals PyTorch's") {
  const OpFixture fixture(kFile);
  for (const int groups : {1, 2, 3, 6}) {
    DYNAMIC_SECTION(groups << " groups") {
      fixture.check(fmt::format("group_norm_{}of6", groups), {"x", "output"}, [groups](const OpFixture::Named& in) {
        return group_norm(in.at("x"), in.at("weight"), in.at("bias"), {.groups = groups});
      });
    }
  }
}

TEST_CASE("L2 normalisation and weight norm equal PyTorch's") {
  const OpFixture fixture(kFile);
  fixture.check("l2_normalize", {}, [](const OpFixture::Named& in) { return l2_normalize(in.at("x")); });
  fixture.check("weight_norm", {}, [](const OpFixture::Named& in) { return weight_norm(in.at("v"), in.at("g")); });
}
