#include "optim/gradients.h"

#include <limits>

#include "core/op_hook.h"
#include "core/stream.h"

namespace lv::optim {

Gradients::Gradients(std::vector<NamedTensor> parameters) : parameters_(std::move(parameters)) {
  LV_CHECK(!parameters_.empty(), "gradients: got no parameters");
  device_ = parameters_[0].tensor.device();
}

std::span<const kernels::UpdateTable> Gradients::tables() {
  tables_.begin(device_);
  for (const NamedTensor& parameter : parameters_) {
    if (const Tensor grad = parameter.tensor.grad(); grad.defined()) {
      check_updatable("gradients", parameter.name, grad, device_);
      tables_.add(grad, {});
    }
  }
  return tables_.finish();
}

Tensor Gradients::squares(std::span<const kernels::UpdateTable> tables) {
  const Tensor result = Tensor::empty({tables_.tensor_count(), 2}, DType::f64, device_);
  for (const kernels::UpdateTable& table : tables) {
    const Tensor partials = Tensor::empty({table.chunk_count, 2}, DType::f64, device_);
    kernels::sum_squares({.table = table, .partials = partials.data<double>(), .squares = result.data<double>()},
                         current_stream(device_));
  }
  return result;
}

Tensor Gradients::clip(double max_norm, bool per_tensor) {
  const OpScope scope("clip_gradients");
  LV_CHECK(max_norm > 0, "clip_gradients: max_norm must be above 0, got {}", max_norm);
  const auto listed = tables();
  const Tensor sums = squares(listed);
  const int64_t count = tables_.tensor_count();
  const Tensor norms =
      per_tensor ? Tensor::empty({count}, DType::f64, device_) : Tensor::zeros({}, DType::f64, device_);
  const Tensor factors = Tensor::empty({count}, DType::f64, device_);
  kernels::clip_factors(
      {sums.data<double>(), count, max_norm, per_tensor, norms.data<double>(), factors.data<double>()},
      current_stream(device_));
  for (const kernels::UpdateTable& table : listed) {
    kernels::scale_tensors({.table = table, .factors = factors.data<double>()}, current_stream(device_));
  }
  return norms;
}

Tensor Gradients::clip_norm(double max_norm) { return clip(max_norm, false); }

Tensor Gradients::clip_each_norm(double max_norm) { return clip(max_norm, true); }

Tensor Gradients::norm() {
  const OpScope scope("gradient_norm");
  const Tensor sums = squares(tables());
  const int64_t count = tables_.tensor_count();
  const Tensor norms = Tensor::zeros({}, DType::f64, device_);
  const Tensor factors = Tensor::empty({count}, DType::f64, device_);
  kernels::clip_factors({.squares = sums.data<double>(),
                         .tensor_count = count,
                         .max_norm = std::numeric_limits<double>::infinity(),
                         .norms = norms.data<double>(),
                         .factors = factors.data<double>()},
                        current_stream(device_));
  return norms;
}

bool Gradients::scale_and_check(double factor) {
  const OpScope scope("scale_gradients");
  const Tensor non_finite = Tensor::zeros({}, DType::i32, device_);
  for (const kernels::UpdateTable& table : tables()) {
    kernels::scale_tensors({.table = table, .scale = factor, .non_finite = non_finite.data<int32_t>()},
                           current_stream(device_));
  }
  return non_finite.item() == 0;
}

}  // namespace lv::optim
