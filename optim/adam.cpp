#include "optim/adam.h"

namespace lv::optim {

AdamFamily::AdamFamily(std::string_view name, TrainedParameters parameters, const AdamOptions& options,
                       const kernels::AdamRule& variant)
    : Optimizer(name, std::move(parameters), options.lr, options.weight_decay, {"exp_avg", "exp_avg_sq"}),
      rule_(variant) {
  const auto is_average_weight = [](double beta) { return beta >= 0 && beta < 1; };
  LV_CHECK(is_average_weight(options.beta1) && is_average_weight(options.beta2),
           "{}: betas must be in [0, 1), got {} and {}", name, options.beta1, options.beta2);
  rule_.beta1 = options.beta1;
  rule_.beta2 = options.beta2;
  rule_.eps = options.eps;
}

void AdamFamily::update(double grad_scale) {
  rule_.lr = lr();
  rule_.weight_decay = weight_decay();
  rule_.grad_scale = grad_scale;
  rule_.step = step_count();
  for (const kernels::UpdateTable& table : tables()) {
    kernels::update_adam({table, rule_}, stream());
  }
}

Adam::Adam(TrainedParameters parameters, const AdamOptions& options)
    : AdamFamily("adam", std::move(parameters), options, {}) {}

AdamW::AdamW(TrainedParameters parameters, const AdamOptions& options)
    : AdamFamily("adamw", std::move(parameters), options, {.decoupled_decay = true}) {}

RAdam::RAdam(TrainedParameters parameters, const AdamOptions& options, RAdamEps eps)
    : AdamFamily("radam", std::move(parameters), options,
                 {.rectified = true, .eps_before_correction = eps == RAdamEps::before_correction}) {}

}  // namespace lv::optim
