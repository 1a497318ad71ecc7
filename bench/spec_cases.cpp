#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "autograd/engine.h"
#include "bench/case.h"
#include "tests/specs/harness.h"

namespace lv::bench {

namespace {

using specs::Case;
using specs::Cost;
using specs::OpSpec;

void name_all(std::vector<NamedTensor>& named, std::string_view prefix, specs::Inputs tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].defined()) {
      named.push_back({fmt::format("{}{}", prefix, i), tensors[i]});
    }
  }
}

Work prepare_forward(const Case& spec_case, DType dtype) {
  Work work{.run = {}, .cost = {}, .dtype = dtype, .tensors = {}};
  TensorList inputs = specs::make_inputs(spec_case, dtype);
  const TensorList outputs = spec_case.run(inputs);
  work.cost = spec_case.cost(inputs, outputs);
  name_all(work.tensors, "in", inputs);
  name_all(work.tensors, "out", outputs);
  work.run = [run = spec_case.run, inputs = std::move(inputs)] { run(inputs); };
  return work;
}

/// One forward and backward pass with given cotangents.
struct Training {
  std::function<TensorList(specs::Inputs)> run;
  TensorList leaves;
  TensorList cotangents;       // undefined for outputs without a gradient
  std::vector<Tensor> wanted;  // the leaves that get a gradient
  std::vector<Tensor> seeds;   // the defined cotangents
  std::vector<Tensor> seeded;  // their outputs, in each step anew

  std::vector<Tensor> step() {
    const TensorList outputs = run(leaves);
    seeded.clear();
    for (int i = 0; i < outputs.size(); ++i) {
      if (cotangents[i].defined()) {
        seeded.push_back(outputs[i]);
      }
    }
    std::vector<Tensor> grads = autograd::grad(seeded, wanted, seeds);
    seeded.clear();
    return grads;
  }
};

/// Backward reads the cotangents and writes the gradients, except those that are views; each operand's gradient of a
/// product costs as much as the product.
Cost training_cost(Cost cost, const std::vector<Tensor>& seeds, const std::vector<Tensor>& grads) {
  for (const Tensor& seed : seeds) {
    cost.bytes += double(seed.size_bytes());
  }
  for (const Tensor& grad : grads) {
    if (!grad.defined()) {
      continue;
    }
    const bool is_a_seed = std::any_of(seeds.begin(), seeds.end(),
                                       [&](const Tensor& seed) { return &*seed.storage() == &*grad.storage(); });
    cost.bytes += is_a_seed ? 0 : double(std::min(grad.size_bytes(), grad.storage()->size_bytes));
  }
  cost.flops *= 3;
  return cost;
}

Work prepare_training(const OpSpec& spec, const Case& spec_case, DType dtype) {
  const auto training = std::make_shared<Training>();
  training->run = spec_case.run;
  training->leaves = specs::make_inputs(spec_case, dtype);
  std::vector<int> wanted_inputs;
  for (const int i : spec.differentiable) {
    if (i < training->leaves.size() && specs::is_differentiable(training->leaves[i])) {
      training->wanted.push_back(training->leaves[i].set_requires_grad());
      wanted_inputs.push_back(i);
    }
  }
  const TensorList outputs = training->run(training->leaves);
  training->cotangents = specs::make_cotangents(outputs, 1);
  std::copy_if(training->cotangents.begin(), training->cotangents.end(), std::back_inserter(training->seeds),
               [](const Tensor& tensor) { return tensor.defined(); });

  Work work{.run = [training] { training->step(); }, .cost = {}, .dtype = dtype, .tensors = {}};
  name_all(work.tensors, "in", training->leaves);
  name_all(work.tensors, "out", outputs);
  name_all(work.tensors, "cotangent", training->cotangents);
  const std::vector<Tensor> grads = training->step();
  work.cost = training_cost(spec_case.cost(training->leaves, outputs), training->seeds, grads);
  for (size_t i = 0; i < grads.size(); ++i) {
    if (grads[i].defined()) {
      work.tensors.push_back({fmt::format("grad{}", wanted_inputs[i]), grads[i]});
    }
  }
  for (NamedTensor& named : work.tensors) {
    named.tensor = named.tensor.detach();
  }
  return work;
}

}  // namespace

std::vector<BenchCase> spec_cases() {
  std::vector<BenchCase> cases;
  for (const OpSpec& spec : specs::all_specs()) {
    for (const Case& spec_case : spec.benchmarks) {
      for (const auto& [dtype, dtype_name] : {std::pair{DType::f32, "fp32"}, std::pair{DType::bf16, "bf16"}}) {
        if (std::find(spec.dtypes.begin(), spec.dtypes.end(), dtype) == spec.dtypes.end()) {
          continue;
        }
        const std::string name = fmt::format("{}/{}/{}", spec.op, spec_case.name, dtype_name);
        cases.push_back({name + "/forward", [&spec_case, dtype = dtype] { return prepare_forward(spec_case, dtype); }});
        if (!spec.differentiable.empty()) {
          cases.push_back({name + "/train",
                           [&spec, &spec_case, dtype = dtype] { return prepare_training(spec, spec_case, dtype); }});
        }
      }
    }
  }
  return cases;
}

}  // namespace lv::bench
