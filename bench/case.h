#pragma once

#include <filesystem>
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
  /// cotangents cotangent0, ... of the outputs. A peer gets the same inputs and must come to the same results. Networks
  /// and photographs have names of their own.
  std::vector<NamedTensor> tensors;
};

/// One line of a report. Tensors exist only once prepared.
struct BenchCase {
  /// op/shape/dtype/pass; pass is forward, train (forward and backward) or step (of an optimizer), of a network update
  /// (forward, loss, backward, step) or predict, of photographs sample.
  std::string name;
  std::function<Work()> prepare;
};

/// The benchmark cases of every spec, in fp32 and bf16 where the op takes them, forward and train.
std::vector<BenchCase> spec_cases();

/// Steps of the optimizers on the parameters of ResNet-50 and ViT-S.
std::vector<BenchCase> optimizer_cases();

/// Updates and predictions of ResNet-50, ResNeXt-50 and the CIFAR form of ResNet-18. Tensors: images, labels,
/// state.NAME of every parameter and buffer; loss0, ... of the first updates from there, or logits.
std::vector<BenchCase> network_cases();

/// A training sample of each .jpg of a folder, on one thread: decoding, random resized crop 224, normalisation.
/// Tensors: photograph.NAME, the files; sample.NAME, the same with a fixed resize and crop. No case for an empty path.
std::vector<BenchCase> photograph_cases(const std::filesystem::path& folder);

/// All of these whose name contains a match of the regular expression.
std::vector<BenchCase> cases_matching(const std::string& filter, const std::filesystem::path& photographs);

}  // namespace lv::bench
