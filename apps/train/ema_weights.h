#pragma once

#include <vector>

#include "core/stateful.h"
#include "nn/module.h"
#include "optim/ema.h"

namespace lv::train {

/// A moving average of a model's parameters and buffers. Early on the average is over what there was: its momentum is
/// at most (1 + updates) / (10 + updates).
class EmaWeights final : public Stateful {
 public:
  EmaWeights(const nn::Module& model, double momentum);

  void update();
  /// Exchanges the model's values with the averages.
  void swap();
  /// By the model's names.
  [[nodiscard]] const std::vector<NamedTensor>& averages() const { return averages_; }

  /// Saves the number of updates, not the averages: the tensors go where a checkpoint keeps the weights to use.
  void save(const StateWriter& writer) const override;
  void load(const StateReader& reader) override;

 private:
  std::vector<NamedTensor> weights_;
  std::vector<NamedTensor> averages_;
  double momentum_;
  optim::Ema ema_;
  int64_t updates_ = 0;
};

}  // namespace lv::train
