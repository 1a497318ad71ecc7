#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lv::autograd {

/// Thread-local switches of recording. Guards restore the previous state.
struct GradState {
  bool enabled = true;
  bool keep_inputs = false;  // fused ops also save their inputs, so that their backward can be differentiated
  bool recomputing = false;  // a checkpointed segment runs again: no buffer is updated, no collective joined
  bool anomaly = false;
};
GradState& grad_state();

[[nodiscard]] inline bool grad_enabled() { return grad_state().enabled; }
/// True while a checkpointed segment is run again; ops that update running statistics must then leave them alone.
[[nodiscard]] inline bool is_recomputing() { return grad_state().recomputing; }

template <bool GradState::* kFlag, bool kValue>
class [[nodiscard]] StateGuard {
 public:
  StateGuard() : previous_(grad_state().*kFlag) { grad_state().*kFlag = kValue; }
  ~StateGuard() { grad_state().*kFlag = previous_; }
  StateGuard(const StateGuard&) = delete;
  StateGuard& operator=(const StateGuard&) = delete;

 private:
  bool previous_;
};

/// Nothing is recorded in the scope.
using NoGradGuard = StateGuard<&GradState::enabled, false>;
using EnableGradGuard = StateGuard<&GradState::enabled, true>;
/// Forward steps in the scope can be differentiated twice (`create_graph`); costs the memory of their inputs.
using HigherOrderGuard = StateGuard<&GradState::keep_inputs, true>;
using RecomputeGuard = StateGuard<&GradState::recomputing, true>;
/// Nodes made in the scope remember their forward call chain, and a backward in it stops at the first NaN or infinite
/// gradient with an error that names the chain. Slow: every gradient is read.
using AnomalyGuard = StateGuard<&GradState::anomaly, true>;

/// Names a part of the forward pass (a module, an op) for anomaly reports; costs a few instructions.
class CallScope {
 public:
  explicit CallScope(std::string_view name);
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  friend std::string call_chain();
  std::string_view name_;
  CallScope* outer_;
};

/// "resnet > layer1 > conv2d": the open scopes, outermost first.
std::string call_chain();

}  // namespace lv::autograd
