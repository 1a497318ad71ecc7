#pragma once

#include <optional>

#include "core/tensor.h"

namespace lv::autograd {

/// What autocast does to an op's float32 and 16-bit inputs.
enum class CastPolicy : uint8_t {
  none,    // takes them as they come (shape ops, whose result has its input's dtype)
  low,     // computes in the 16-bit type: matrix products, convolutions, attention
  full,    // computes in float32: norm statistics, softmax, losses, matching
  follow,  // computes in the widest input's type: element-wise ops
};

/// The thread's autocast setting; no dtype means off.
struct AutocastState {
  std::optional<DType> dtype;
};
AutocastState& autocast_state();

/// Sets the state for a scope. The outermost scope owns the cache of cast parameters and empties it at its end.
class [[nodiscard]] AutocastStateGuard {
 public:
  explicit AutocastStateGuard(AutocastState state);
  ~AutocastStateGuard();
  AutocastStateGuard(const AutocastStateGuard&) = delete;
  AutocastStateGuard& operator=(const AutocastStateGuard&) = delete;

 private:
  AutocastState previous_;
};

/// Mixed precision in the scope: ops cast their inputs by their policy. `dtype`: bf16 or f16.
class [[nodiscard]] AutocastGuard {
 public:
  explicit AutocastGuard(DType dtype);

 private:
  AutocastStateGuard guard_;
};

/// `inputs` as `policy` wants them for the 16-bit type `low`. Leaves are cast once per outermost scope and version.
TensorList autocast(std::span<const Tensor> inputs, CastPolicy policy, DType low);

}  // namespace lv::autograd
