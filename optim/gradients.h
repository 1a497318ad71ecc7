#pragma once

#include <span>

#include "core/tensor.h"
#include "optim/update_tables.h"

namespace lv::optim {

/// Works on the gradients of a fixed set of parameters, all of them in one launch. Gradients are f32 or f64; parameters
/// without one are left out.
class Gradients {
 public:
  explicit Gradients(std::vector<NamedTensor> parameters);

  /// Scales all gradients by one factor so that their common L2 norm is at most `max_norm`. Returns the norm before, a
  /// scalar f64 tensor on the parameters' device (reading it waits for the device). The factor is
  /// min(1, max_norm / (norm + 1e-6)), as in torch.nn.utils.clip_grad_norm_.
  Tensor clip_norm(double max_norm);
  /// Scales each gradient by itself, by the same formula. Returns the norms before, f64 [parameters with a gradient].
  Tensor clip_each_norm(double max_norm);
  /// The common L2 norm, a scalar f64 tensor.
  [[nodiscard]] Tensor norm();
  /// Multiplies all gradients by `factor`; true when every result is finite (waits for the device).
  [[nodiscard]] bool scale_and_check(double factor);

 private:
  [[nodiscard]] std::span<const kernels::UpdateTable> tables();
  [[nodiscard]] Tensor squares(std::span<const kernels::UpdateTable> tables);
  Tensor clip(double max_norm, bool per_tensor);

  std::vector<NamedTensor> parameters_;
  Device device_;
  UpdateTables tables_;
};

}  // namespace lv::optim
