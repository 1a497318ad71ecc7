#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "tests/specs/spec.h"

namespace lv::bench {

/// What is run and what it works on.
struct Work {
  std::function<void()> run;
  specs::Cost cost;  // the least that one run must move and compute
  DType dtype = DType::f32;
  /// Inputs in0, in1, ...; what one run makes of them: out0, ..., and in training grad0, ... of the inputs for the
  /// cotangents cotangent0, ... of the outputs. A peer gets the same inputs and must come to the same results.
  std::vector<NamedTensor> tensors;
};

/// One line of a report. Tensors exist only once prepared.
struct BenchCase {
  std::string name;  // op/shape/dtype/pass; pass is forward, train (forward and backward) or step (of an optimizer)
  std::function<Work()> prepare;
};

/// The benchmark cases of every spec, in fp32 and bf16 where the op takes them, forward and train.
std::vector<BenchCase> spec_cases();

/// Steps of the optimizers on the parameters of ResNet-50 and ViT-S.
std::vector<BenchCase> optimizer_cases();

/// All of these whose name contains a match of the regular expression.
std::vector<BenchCase> cases_matching(const std::string& filter);

}  // namespace lv::bench
