#include "optim/optimizer.h"

#include <algorithm>
#include <set>

#include "core/op_hook.h"
#include "core/stream.h"

namespace lv::optim {

Optimizer::Optimizer(std::string_view name, TrainedParameters parameters, double lr, double weight_decay,
                     std::vector<std::string> state_names)
    : name_(name),
      parameters_(std::move(parameters)),
      state_names_(std::move(state_names)),
      slots_(parameters_.size()),
      lr_(lr),
      weight_decay_(weight_decay) {
  LV_CHECK(!parameters_.empty(), "{}: got no parameters", name_);
  std::set<std::string_view> names;
  std::set<const TensorImpl*> tensors;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const TrainedParameter& parameter = parameters_[i];
    check_updatable(name_, parameter.name, parameter.tensor, parameters_[0].tensor.device());
    LV_CHECK(names.insert(parameter.name).second, "{}: two parameters are named {}", name_, parameter.name);
    LV_CHECK(tensors.insert(parameter.tensor.impl()).second, "{}: {} is another parameter under a second name", name_,
             parameter.name);
    for (size_t k = 0; k < state_names_.size(); ++k) {
      slots_[i].state.push_back(zeros_like(parameter.tensor));
    }
  }
}

Stream Optimizer::stream() const { return current_stream(parameters_[0].tensor.device()); }

void Optimizer::step(double grad_scale) {
  const OpScope scope(name_);
  LV_CHECK(std::any_of(parameters_.begin(), parameters_.end(), [](auto& p) { return p.tensor.grad().defined(); }),
           "{}: no parameter has a gradient; run backward first", name_);
  ++step_count_;
  update(grad_scale);
  listed_grads_.clear();
}

void Optimizer::zero_grad() const {
  for (const TrainedParameter& parameter : parameters_) {
    if (const Tensor grad = parameter.tensor.grad(); grad.defined()) {
      grad.fill(0.0);
    }
  }
}

void Optimizer::drop_grad() const {
  for (const TrainedParameter& parameter : parameters_) {
    parameter.tensor.set_grad({});
  }
}

std::span<const kernels::UpdateTable> Optimizer::tables(Listed listed) {
  tables_.begin(parameters_[0].tensor.device());
  listed_grads_.clear();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const TrainedParameter& parameter = parameters_[i];
    Slot& slot = slots_[i];
    kernels::UpdateTensor entry;
    if (listed == Listed::with_grad) {
      const Tensor grad = parameter.tensor.grad();
      if (!grad.defined()) {
        ++slot.skipped;
        continue;
      }
      LV_CHECK_DTYPE(grad.dtype() == parameter.tensor.dtype(), "{}: {} is {}, its gradient {}", name_, parameter.name,
                     parameter.tensor.dtype(), grad.dtype());
      listed_grads_.push_back(laid_out_as(parameter.tensor, grad));
      entry.grad = listed_grads_.back().raw_data();
    }
    for (size_t k = 0; k < slot.state.size(); ++k) {
      entry.state[k] = slot.state[k].raw_data();
    }
    entry.skipped = slot.skipped;
    entry.lr_scale = parameter.lr_multiplier;
    entry.decay_scale = parameter.weight_decay.has_value() ? 0 : 1;
    entry.decay_offset = parameter.weight_decay.value_or(0);
    entry.is_adapted = parameter.tensor.rank() > 1;
    tables_.add(parameter.tensor, entry);
    parameter.tensor.bump_version();
  }
  return tables_.finish();
}

void Optimizer::save(const StateWriter& writer) const {
  writer.put("step", step_count_);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].name;
    writer.scope("skipped").put(name, slots_[i].skipped);
    for (size_t k = 0; k < state_names_.size(); ++k) {
      writer.scope(state_names_[k]).put(name, slots_[i].state[k]);
    }
  }
}

void Optimizer::load(const StateReader& reader) {
  step_count_ = reader.get<int64_t>("step");
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].name;
    slots_[i].skipped = reader.scope("skipped").get<int64_t>(name);
    for (size_t k = 0; k < state_names_.size(); ++k) {
      const Tensor& saved = reader.scope(state_names_[k]).get<Tensor>(name);
      const Tensor& mine = slots_[i].state[k];
      LV_CHECK_AS(IoError, saved.shape() == mine.shape(), "{}: saved {} of {} is {}, wanted {}", name_, state_names_[k],
                  name, saved.shape(), mine.shape());
      mine.copy_from(saved);
    }
  }
}

}  // namespace lv::optim
