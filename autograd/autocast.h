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

/// The thread's 16-bit type for mixed precision; none when autocast is off.
std::optional<DType>& autocast_dtype();

/// Mixed precision in the scope: ops cast their inputs by their policy. `dtype`: bf16 or f16; none switches it off. The
/// outermost scope owns the cache of cast parameters and empties it at its end.
class [[nodiscard]] AutocastGuard {
 public:
  explicit AutocastGuard(std::optional<DType> dtype);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  std::optional<DType> previous_;
};

/// `inputs` as `policy` wants them for the 16-bit type `low`. Leaves are cast once per outermost scope and version.
TensorList autocast(std::span<const Tensor> inputs, CastPolicy policy, DType low);

}  // namespace lv::autograd
