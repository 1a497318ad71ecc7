#include "models/summary.h"

#include <map>
#include <set>

namespace lv::models {

namespace {

int64_t own_parameters(const nn::Module& module) {
  int64_t count = 0;
  for (const NamedTensor& parameter : module.named_parameters()) {
    const bool is_of_child = parameter.name.find('.') != std::string::npos;
    count += is_of_child ? 0 : parameter.tensor.numel();
  }
  return count;
}

}  // namespace

std::vector<LayerSummary> summarize(nn::Module& module, const std::function<void()>& forward) {
  std::map<const nn::Module*, std::string> names;
  module.for_each_module([&](const std::string& name, nn::Module& child) { names.emplace(&child, name); });
  std::vector<LayerSummary> result;
  std::set<const nn::Module*> seen;
  const nn::LayerObserver observer = [&](const nn::LayerCall& call) {
    const auto known = names.find(&call.layer);
    if (known == names.end()) {
      return;
    }
    result.push_back({.name = known->second,
                      .type = std::string(call.type),
                      .output = call.output,
                      .parameters = seen.insert(&call.layer).second ? own_parameters(call.layer) : 0,
                      .multiply_adds = call.layer.multiply_adds(call.input, call.output)});
  };
  const nn::LayerObserverGuard guard(observer);
  forward();
  return result;
}

}  // namespace lv::models
