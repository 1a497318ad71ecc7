#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "apps/train/checkpoint_store.h"
#include "apps/train/ema_weights.h"
#include "apps/train/recipe.h"
#include "apps/train/task.h"
#include "optim/gradients.h"
#include "optim/loss_scaler.h"

namespace lv::train {

struct StepperOptions {
  Recipe recipe;
  Device device;
  std::optional<DType> autocast;  // f16 has a loss scaler
  bool overfits_one_batch = false;
};

/// What one update gave. Tensors stay on the device until they are read.
struct StepReport {
  std::vector<Tensor> losses;  // of each batch
  Tensor grad_norm;            // absent where nobody asked and nothing was clipped
  double lr = 0;
  int64_t samples = 0;
  double wait_seconds = 0;  // for data
};

/// Everything that an update changes, and the update itself: batches, forward and backward in mixed precision,
/// clipping, optimizer, averaged weights.
class Stepper {
 public:
  Stepper(Task& task, const StepperOptions& options);

  /// The next update. With `wants_norm` the report has the gradient's norm. Throws Error that names the first bad
  /// tensor when a loss or the gradient is not finite; on a device only what is read anyway is looked at.
  StepReport step(bool wants_norm);
  /// Throws as step does, for losses that were not looked at.
  void check_losses(const StepReport& report) const;

  /// Updates so far.
  [[nodiscard]] int64_t steps() const { return steps_; }
  [[nodiscard]] int64_t steps_per_epoch() const { return steps_per_epoch_; }
  [[nodiscard]] int64_t total_steps() const { return total_steps_; }
  [[nodiscard]] double epoch() const;
  [[nodiscard]] double loss_scale() const { return scaler_ ? scaler_->scale() : 1; }

  /// The state as it is; tensors are shared, not copied.
  [[nodiscard]] Checkpoint save() const;
  /// Goes back to a state that save() gave. Throws Error when it is of another model.
  void load(const Checkpoint& checkpoint);
  /// Calls `body` with the weights that are to be evaluated in the model.
  void with_evaluated_weights(const std::function<void()>& body);

 private:
  void run_batch(StepReport& report);
  void check_finite(const Tensor& value, std::string_view what) const;

  Task& task_;
  StepperOptions options_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  optim::Gradients gradients_;
  std::optional<optim::LossScaler> scaler_;
  std::optional<EmaWeights> ema_;
  int64_t steps_per_epoch_;
  int64_t total_steps_;
  optim::Schedule schedule_;
  int64_t steps_ = 0;
  bool has_batch_ = false;
};

/// Throws Error that says in one line how two lists of names and shapes differ; `source` and `target` stand for them.
void check_same_names(const std::vector<NamedTensor>& given, const std::vector<NamedTensor>& wanted,
                      std::string_view source, std::string_view target);

}  // namespace lv::train
