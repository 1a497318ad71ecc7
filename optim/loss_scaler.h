#pragma once

#include "core/stateful.h"
#include "optim/gradients.h"

namespace lv::optim {

struct LossScalerOptions {
  double initial_scale = 65536;
  double growth = 2;
  double backoff = 0.5;
  int64_t growth_interval = 2000;  // clean steps between two growths
  double min_scale = 1;
};

/// Keeps gradients of a float16 backward pass within range: the loss is multiplied by a scale that grows while all is
/// well and shrinks when a gradient overflows. Such a step is to be left out:
///
///   scaler.backward(loss);
///   if (scaler.unscale(gradients)) { optimizer.step(); }
class LossScaler final : public Stateful {
 public:
  explicit LossScaler(const LossScalerOptions& options = {});

  [[nodiscard]] double scale() const { return scale_; }
  /// Backward pass of scale() times the scalar `loss`, which must be f32 or f64.
  void backward(const Tensor& loss) const;
  /// Divides the gradients by scale() and adapts it. False when a gradient overflowed. Throws Error when the scale
  /// would fall below its least value: then it is not the scale that makes gradients infinite.
  [[nodiscard]] bool unscale(Gradients& gradients);

  void save(const StateWriter& writer) const override;
  void load(const StateReader& reader) override;

 private:
  LossScalerOptions options_;
  double scale_;
  int64_t clean_steps_ = 0;
};

}  // namespace lv::optim
