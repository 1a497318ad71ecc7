#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace lv::optim {

/// A parameter and how it is trained.
struct TrainedParameter {
  std::string name;
  Tensor tensor;
  double lr_multiplier = 1;
  std::optional<double> weight_decay = std::nullopt;  // in place of the optimizer's
};
using TrainedParameters = std::vector<TrainedParameter>;

/// What holds for the parameters that a rule selects: those whose name matches `pattern` and whose rank is at most
/// `max_rank`.
struct ParameterRule {
  std::string pattern = "*";  // '*' stands for any characters: "backbone.*", "*.bias"
  int max_rank = kMaxRank;
  double lr_multiplier = 1;
  std::optional<double> weight_decay = std::nullopt;
};

/// Settings of every parameter from all rules that select it: multipliers multiply, a later weight decay replaces an
/// earlier one. Throws Error for a rule that selects nothing, which is a misspelt name.
///
///   optim::configure(net.named_parameters(), {{.pattern = "backbone.*", .lr_multiplier = 0.1},
///                                             {.max_rank = 1, .weight_decay = 0.0}});   // no decay of norms and
///                                             biases
TrainedParameters configure(std::span<const NamedTensor> parameters, std::span<const ParameterRule> rules = {});
inline TrainedParameters configure(std::span<const NamedTensor> parameters,
                                   std::initializer_list<ParameterRule> rules) {
  return configure(parameters, std::span<const ParameterRule>(rules.begin(), rules.size()));
}

}  // namespace lv::optim
