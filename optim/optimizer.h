#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/stateful.h"
#include "optim/parameters.h"
#include "optim/update_tables.h"

namespace lv::optim {

/// Updates parameters from their gradients, all of them in one launch. Parameters are f32 or f64 and dense; the state
/// has their dtype and is saved by their names. A parameter without a gradient is left alone, as if the step had not
/// been for it.
class Optimizer : public Stateful {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update with the gradients times `grad_scale` (1 / n after n accumulated backward passes). Throws Error when no
  /// parameter has a gradient.
  void step(double grad_scale = 1.0);
  /// Sets gradients to zero and keeps their memory, into which the next backward adds.
  void zero_grad() const;
  /// Forgets the gradients: cheaper than zero_grad, since the next backward hands its results over without a sum.
  void drop_grad() const;

  [[nodiscard]] double lr() const { return lr_; }
  void set_lr(double lr) { lr_ = lr; }
  [[nodiscard]] double weight_decay() const { return weight_decay_; }
  void set_weight_decay(double weight_decay) { weight_decay_ = weight_decay; }
  /// Updates so far.
  [[nodiscard]] int64_t step_count() const { return step_count_; }
  [[nodiscard]] const TrainedParameters& parameters() const { return parameters_; }

  void save(const StateWriter& writer) const override;
  void load(const StateReader& reader) override;

 protected:
  /// `state_names`: what each parameter has besides its value, at most two tensors, zero at first.
  Optimizer(std::string_view name, TrainedParameters parameters, double lr, double weight_decay,
            std::vector<std::string> state_names);

  /// Changes the parameters; step_count() counts this update already.
  virtual void update(double grad_scale) = 0;

  enum class Listed : uint8_t { with_grad, all };
  /// The parameters with their state, and their gradients unless `all` are wanted.
  [[nodiscard]] std::span<const kernels::UpdateTable> tables(Listed listed = Listed::with_grad);
  [[nodiscard]] const UpdateTables& listed() const { return tables_; }
  [[nodiscard]] Stream stream() const;
  [[nodiscard]] const Tensor& state(size_t parameter, size_t kind) const { return slots_[parameter].state[kind]; }

 private:
  struct Slot {
    std::vector<Tensor> state;
    int64_t skipped = 0;
  };

  std::string_view name_;
  TrainedParameters parameters_;
  std::vector<std::string> state_names_;
  std::vector<Slot> slots_;
  std::vector<Tensor> listed_grads_;  // kept until the update that reads them has been launched
  double lr_;
  double weight_decay_;
  int64_t step_count_ = 0;
  UpdateTables tables_;
};

}  // namespace lv::optim
