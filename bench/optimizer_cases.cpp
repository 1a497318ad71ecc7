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

using MakeOptimizer = std::function<std::unique_ptr<optim::Optimizer>(optim::TrainedParameters)>;

/// `state_tensors`: how many tensors a step reads and writes besides each parameter.
Work prepare_step(const MakeOptimizer& make, int state_tensors) {
  specs::Case draws;
  for (const Shape& shape : vit_s_shapes()) {
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
    work.cost.bytes += double(values[i].size_bytes()) * (3 + 2 * state_tensors);
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
  return {{"sgd/vit_s/fp32/step", [=] { return prepare_step(sgd, 1); }},
          {"adamw/vit_s/fp32/step", [=] { return prepare_step(adamw, 2); }}};
}

}  // namespace lv::bench
