#include "optim/parameters.h"

namespace lv::optim {

namespace {

bool matches(std::string_view name, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    return name == pattern;
  }
  if (!name.starts_with(pattern.substr(0, star))) {
    return false;
  }
  const std::string_view rest = pattern.substr(star + 1);
  for (size_t at = star; at <= name.size(); ++at) {
    if (matches(name.substr(at), rest)) {
      return true;
    }
  }
  return false;
}

}  // namespace

TrainedParameters configure(std::span<const NamedTensor> parameters, std::span<const ParameterRule> rules) {
  TrainedParameters result;
  for (const NamedTensor& parameter : parameters) {
    result.push_back({parameter.name, parameter.tensor, 1, std::nullopt});
  }
  for (const ParameterRule& rule : rules) {
    bool is_used = false;
    for (TrainedParameter& parameter : result) {
      if (parameter.tensor.rank() <= rule.max_rank && matches(parameter.name, rule.pattern)) {
        is_used = true;
        parameter.lr_multiplier *= rule.lr_multiplier;
        if (rule.weight_decay.has_value()) {
          parameter.weight_decay = rule.weight_decay;
        }
      }
    }
    LV_CHECK(is_used, "optim: no parameter of rank {} or less is named {}", rule.max_rank, rule.pattern);
  }
  return result;
}

}  // namespace lv::optim
