#include "apps/train/stepper.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <ranges>

#include "autograd/autocast.h"
#include "core/generator.h"
#include "core/op_hook.h"
#include "nn/state_dict.h"

namespace lv::train {

namespace {

bool is_finite(const Tensor& tensor) {
  if (!tensor.defined() || !is_floating(tensor.dtype())) {
    return true;
  }
  const std::vector<double> values = tensor.to(DType::f64).to_vector<double>();
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

const NamedTensor* first_bad(const std::vector<NamedTensor>& tensors) {
  const auto found = std::find_if(tensors.begin(), tensors.end(), [](auto& entry) { return !is_finite(entry.tensor); });
  return found == tensors.end() ? nullptr : &*found;
}

/// Which tensor is to blame for a loss or gradient that is not finite, in the order in which a step computes them.
std::string find_cause(Task& task) {
  if (const auto batch = task.batch(); const NamedTensor* bad = first_bad(batch)) {
    return fmt::format("'{}' of the batch", bad->name);
  }
  if (const auto parameters = task.model().named_parameters(); const NamedTensor* bad = first_bad(parameters)) {
    return fmt::format("parameter '{}'", bad->name);
  }
  if (const auto buffers = task.model().named_buffers(); const NamedTensor* bad = first_bad(buffers)) {
    return fmt::format("buffer '{}'", bad->name);
  }
  const std::vector<NamedTensor> parameters = task.model().named_parameters();
  for (const NamedTensor& parameter : std::views::reverse(parameters)) {  // backward goes from the last to the first
    if (!is_finite(parameter.tensor.grad())) {
      return fmt::format("the gradient of '{}'", parameter.name);
    }
  }
  return "the loss itself; batch and parameters are finite, so values overflow on the way";
}

}  // namespace

void check_same_names(const std::vector<NamedTensor>& given, const std::vector<NamedTensor>& wanted,
                      std::string_view source, std::string_view target) {
  std::map<std::string_view, const Tensor*> by_name;
  for (const NamedTensor& entry : given) {
    by_name.emplace(entry.name, &entry.tensor);
  }
  for (const NamedTensor& entry : wanted) {
    const auto found = by_name.find(entry.name);
    LV_CHECK(found != by_name.end(), "{} is of another model than {}: it has no '{}'", source, target, entry.name);
    LV_CHECK(found->second->shape() == entry.tensor.shape(), "{} is of another model than {}: its '{}' is {}, not {}",
             source, target, entry.name, found->second->shape(), entry.tensor.shape());
    by_name.erase(found);
  }
  LV_CHECK(by_name.empty(), "{} is of another model than {}, which has no '{}'", source, target,
           by_name.begin()->first);
}

Stepper::Stepper(Task& task, const StepperOptions& options)
    : task_(task),
      options_(options),
      optimizer_(make_optimizer(options.recipe, task.model())),
      gradients_(task.model().named_parameters()),
      steps_per_epoch_(std::max<int64_t>(1, task.batches_per_epoch() / options.recipe.accumulate)),
      total_steps_(train::total_steps(options.recipe, steps_per_epoch_)),
      schedule_(make_schedule(options.recipe, steps_per_epoch_)) {
  if (options.autocast == DType::f16) {
    scaler_.emplace();
  }
  if (options.recipe.ema > 0) {
    ema_.emplace(task.model(), options.recipe.ema);
  }
}

double Stepper::epoch() const {
  return double(steps_ * options_.recipe.accumulate) / double(task_.batches_per_epoch());
}

void Stepper::run_batch(StepReport& report) {
  if (!has_batch_ || !options_.overfits_one_batch) {
    const OpScope scope("load batch");
    const auto start = std::chrono::steady_clock::now();
    task_.load_batch();
    report.wait_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    has_batch_ = true;
  }
  StepResult result;
  {
    const OpScope scope("forward");
    const autograd::AutocastGuard autocast(options_.autocast);
    result = task_.step();
  }
  report.losses.push_back(result.loss.detach());
  report.samples += result.samples;
  if (options_.device.is_cpu()) {  // at no cost, and before the weights are spoilt
    check_finite(report.losses.back(), "the loss");
  }
  const OpScope scope("backward");
  if (scaler_) {
    scaler_->backward(result.loss);
  } else {
    result.loss.backward();
  }
}

StepReport Stepper::step(bool wants_norm) {
  StepReport report;
  report.lr = schedule_(steps_);
  optimizer_->set_lr(report.lr);
  optimizer_->drop_grad();
  const int64_t batches = options_.recipe.accumulate;
  for (int64_t i = 0; i < batches; ++i) {
    run_batch(report);
  }
  const bool is_usable = !scaler_ || scaler_->unscale(gradients_);
  if (is_usable) {
    const double clip = options_.recipe.clip_norm * double(batches);  // gradients are sums over the batches
    if (clip > 0) {
      report.grad_norm = gradients_.clip_norm(clip);
    } else if (wants_norm) {
      report.grad_norm = gradients_.norm();
    }
    if (report.grad_norm.defined() && (wants_norm || options_.device.is_cpu())) {
      check_finite(report.grad_norm, "the norm of the gradient");
    }
    optimizer_->step(1.0 / double(batches));
    if (ema_) {
      ema_->update();
    }
  }
  ++steps_;
  return report;
}

void Stepper::check_losses(const StepReport& report) const {
  for (const Tensor& loss : report.losses) {
    check_finite(loss, "the loss");
  }
}

void Stepper::check_finite(const Tensor& value, std::string_view what) const {
  if (const double number = value.item(); !std::isfinite(number)) {
    fail("step {}: {} is {}; the first tensor that is not finite is {}", steps_ + 1, what, number, find_cause(task_));
  }
}

Checkpoint Stepper::save() const {
  Checkpoint checkpoint{.model = task_.model().state_dict(), .about = task_.about(), .state = {}};
  const StateWriter writer(checkpoint.state);
  if (ema_) {
    for (const NamedTensor& entry : checkpoint.model) {
      writer.scope("weights").put(entry.name, entry.tensor);
    }
    checkpoint.model = ema_->averages();
    ema_->save(writer.scope("ema"));
  }
  if (scaler_) {
    scaler_->save(writer.scope("scaler"));
  }
  writer.put("steps", steps_);
  optimizer_->save(writer.scope("optimizer"));
  default_generator().save(writer.scope("generator"));
  task_.save(writer.scope("task"));
  return checkpoint;
}

void Stepper::load(const Checkpoint& checkpoint) {
  const StateReader reader(checkpoint.state);
  check_same_names(checkpoint.model, task_.model().state_dict(), "the checkpoint", "this run");
  LV_CHECK(ema_.has_value() == reader.contains("ema.updates"), "the checkpoint {} averaged weights, this run {}",
           ema_ ? "has no" : "has", ema_ ? "wants them (--ema)" : "has none (--ema 0)");
  if (ema_) {
    std::vector<NamedTensor> weights;
    for (const NamedTensor& entry : checkpoint.model) {
      weights.push_back({entry.name, reader.scope("weights").get<Tensor>(entry.name)});
    }
    nn::load_state_dict(task_.model(), checkpoint.model);
    ema_->swap();
    nn::load_state_dict(task_.model(), weights);
    ema_->load(reader.scope("ema"));
  } else {
    nn::load_state_dict(task_.model(), checkpoint.model);
  }
  if (scaler_) {
    scaler_->load(reader.scope("scaler"));
  }
  steps_ = reader.get<int64_t>("steps");
  optimizer_->load(reader.scope("optimizer"));
  default_generator().load(reader.scope("generator"));
  task_.load(reader.scope("task"));
  has_batch_ = false;
}

void Stepper::with_evaluated_weights(const std::function<void()>& body) {
  const autograd::AutocastGuard autocast(options_.autocast);
  if (!ema_) {
    body();
    return;
  }
  ema_->swap();
  try {
    body();
  } catch (...) {
    ema_->swap();
    throw;
  }
  ema_->swap();
}

}  // namespace lv::train
