#include "autograd/grad_mode.h"

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
    chain = chain.empty() ? std::string(scope->name_) : std::string(scope->name_) + " > " + chain;
  }
  return chain;
}

}  // namespace lv::autograd
