#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include <utility>

#include "autograd/engine.h"
#include "bench/case.h"
#include "optim/adam.h"
#include "optim/sgd.h"
#include "tests/specs/harness.h"

namespace lv::bench {

namespace {

/// ViT-S, patches of 16 at 224: 22.1 million parameters in 152 tensors.
std::vector<Shape> vit_s_shapes() {
  std::vector<Shape> shapes = {{1, 1, 384}, {1, 197, 384}, {384, 3, 16, 16}, {384}};
  for (int block = 0; block < 12; ++block) {
    for (const Shape& shape : {Shape{384}, Shape{384}, Shape{1152, 384}, Shape{1152}, Shape{384, 384}, Shape{384},
                               Shape{384}, Shape{384}, Shape{1536, 384}, Shape{1536}, Shape{384, 1536}, Shape{384}}) {
      shapes.push_back(shape);
    }
  }
  shapes.insert(shapes.end(), {{384}, {384}, {1000, 384}, {1000}});
  return shapes;
}

/// ResNet-50: 25.6 million parameters in 161 tensors.
std::vector<Shape> resnet50_shapes() {
  std::vector<Shape> shapes;
  const auto add_conv = [&](int64_t in, int64_t out, int64_t kernel) {
    shapes.insert(shapes.end(), {{out, in, kernel, kernel}, {out}, {out}});  // with its batch norm
  };
  add_conv(3, 64, 7);
  int64_t channels = 64;
  for (const auto& [width, blocks] : {std::pair<int64_t, int>{64, 3}, {128, 4}, {256, 6}, {512, 3}}) {
    for (int block = 0; block < blocks; ++block) {
      add_conv(channels, width, 1);
      add_conv(width, width, 3);
      add_conv(width, 4 * width, 1);
      if (block == 0) {
        add_conv(channels, 4 * width, 1);
      }
      channels = 4 * width;
    }
  }
  shapes.insert(shapes.end(), {{1000, 2048}, {1000}});
  return shapes;
}

using MakeOptimizer = std::function<std::unique_ptr<optim::Optimizer>(optim::TrainedParameters)>;

/// `passes`: how often a step reads or writes all of a parameter's tensors: itself, its gradient and its state.
Work prepare_step(const std::vector<Shape>& shapes, const MakeOptimizer& make, int passes) {
  specs::Case draws;
  for (const Shape& shape : shapes) {
    draws.args.push_back(specs::floats(shape));
  }
  const TensorList values = specs::make_inputs(draws, DType::f32, 1);
  const TensorList grads = specs::make_inputs(draws, DType::f32, 2);
  Work work;
  optim::TrainedParameters parameters;
  for (int i = 0; i < values.size(); ++i) {
    work.tensors.push_back({fmt::format("in{}", i), values[i].clone()});
    work.tensors.push_back({fmt::format("cotangent{}", i), grads[i]});
    parameters.push_back({.name = fmt::format("p{}", i), .tensor = values[i].detach().set_requires_grad()});
    autograd::backward(parameters.back().tensor, grads[i]);
    work.cost.bytes += double(values[i].size_bytes()) * passes;
  }
  const std::shared_ptr<optim::Optimizer> optimizer = make(std::move(parameters));
  optimizer->step();
  for (int i = 0; i < values.size(); ++i) {
    work.tensors.push_back({fmt::format("out{}", i), values[i].clone()});
  }
  work.run = [optimizer] { optimizer->step(); };
  return work;
}

}  // namespace

std::vector<BenchCase> optimizer_cases() {
  const MakeOptimizer sgd = [](optim::TrainedParameters parameters) {
    return std::make_unique<optim::Sgd>(std::move(parameters),
                                        optim::SgdOptions{.lr = 0.01, .momentum = 0.9, .weight_decay = 1e-4});
  };
  const MakeOptimizer adamw = [](optim::TrainedParameters parameters) {
    return std::make_unique<optim::AdamW>(std::move(parameters), optim::AdamOptions{.lr = 1e-3, .weight_decay = 0.05});
  };
  const MakeOptimizer lars = [](optim::TrainedParameters parameters) {
    return std::make_unique<optim::Lars>(std::move(parameters),
                                         optim::LarsOptions{.lr = 0.01, .momentum = 0.9, .weight_decay = 1e-4});
  };
  struct Rule {
    std::string name;
    MakeOptimizer make;
    int passes;  // LARS reads parameter and gradient once more, for their norms
  };
  std::vector<BenchCase> cases;
  for (const auto& [model, shapes] : {std::pair{"resnet50", resnet50_shapes()}, {"vit_s", vit_s_shapes()}}) {
    for (const Rule& rule : {Rule{"sgd", sgd, 5}, Rule{"adamw", adamw, 7}, Rule{"lars", lars, 7}}) {
      cases.push_back({fmt::format("{}/{}/fp32/step", rule.name, model),
                       [=] { return prepare_step(shapes, rule.make, rule.passes); }});
    }
  }
  return cases;
}

}  // namespace lv::bench
