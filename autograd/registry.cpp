#include "autograd/registry.h"

#include <map>
#include <memory>

#include "core/error.h"

namespace lv::autograd {

namespace {

using Registry = std::map<std::string_view, std::unique_ptr<OpStatistics>>;

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

OpStatistics& register_op(std::string_view name) {
  auto& slot = registry()[name];
  if (!slot) {
    slot = std::make_unique<OpStatistics>();
    slot->name = name;
  }
  return *slot;
}

std::vector<const OpStatistics*> registered_ops() {
  std::vector<const OpStatistics*> ops;
  for (const auto& [name, statistics] : registry()) {
    ops.push_back(statistics.get());
  }
  return ops;
}

OpStatistics& op_statistics(std::string_view name) {
  const auto it = registry().find(name);
  LV_CHECK(it != registry().end(), "op_statistics: no op is named {}", name);
  return *it->second;
}

void reset_op_statistics() {
  for (const auto& [name, statistics] : registry()) {
    statistics->forward_calls = 0;
    statistics->backward_calls = 0;
    statistics->reference_calls = 0;
    statistics->contiguous_copies = 0;
  }
}

}  // namespace lv::autograd
