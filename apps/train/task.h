#pragma once

#include <functional>
#include <vector>

#include "apps/train/metrics.h"
#include "core/safetensors.h"
#include "core/stateful.h"
#include "nn/module.h"

namespace lv::train {

struct StepResult {
  Tensor loss;          // scalar
  int64_t samples = 0;  // that the batch holds
};

/// Called during an evaluation; false asks it to stop.
using EvaluationTick = std::function<bool(int64_t done, int64_t total)>;

/// What is trained and on what; a Trainer owns the rest. save and load keep what a resumed run needs besides the model:
/// above all the position in the data, so that load_batch() goes on with the batch that was next.
class Task : public Stateful {
 public:
  [[nodiscard]] virtual nn::Module& model() = 0;
  /// What model() is, for those who load it later.
  [[nodiscard]] virtual SafetensorsMetadata about() const = 0;

  [[nodiscard]] virtual int64_t batches_per_epoch() const = 0;
  /// Makes the next batch the current one; waits for it.
  virtual void load_batch() = 0;
  /// The current batch, to look for the cause of a loss that is not a number.
  [[nodiscard]] virtual std::vector<NamedTensor> batch() const = 0;
  /// The forward pass of the current batch. The same batch may be asked for again.
  [[nodiscard]] virtual StepResult step() = 0;

  /// Measures the model as it is, in evaluation mode and without recording. The first value is what the best checkpoint
  /// is chosen by: higher is better. Empty when `tick` asked to stop.
  [[nodiscard]] virtual std::vector<NamedValue> evaluate(const EvaluationTick& tick) = 0;
  /// Pictures of the last evaluation.
  [[nodiscard]] virtual std::vector<NamedPicture> pictures() const = 0;
};

}  // namespace lv::train
