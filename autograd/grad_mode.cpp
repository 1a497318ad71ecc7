#include "autograd/grad_mode.h"

#include <fmt/format.h>

namespace lv::autograd {

GradState& grad_state() {
  static thread_local GradState state;
  return state;
}

namespace {
thread_local CallScope* innermost = nullptr;
}

CallScope::CallScope(std::string_view name) : name_(name), outer_(innermost) { innermost = this; }
CallScope::~CallScope() { innermost = outer_; }

std::string call_chain() {
  std::string chain;
  for (const CallScope* scope = innermost; scope != nullptr; scope = scope->outer_) {
    chain.insert(0, chain.empty() ? std::string(scope->name_) : fmt::format("{} > ", scope->name_));
  }
  return chain;
}

}  // namespace lv::autograd
