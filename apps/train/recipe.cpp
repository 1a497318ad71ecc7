#include "apps/train/recipe.h"

#include <algorithm>
#include <cmath>

#include "optim/adam.h"
#include "optim/sgd.h"

namespace lv::train {

namespace {

int64_t steps_of(double epochs, int64_t steps_per_epoch) { return std::llround(epochs * double(steps_per_epoch)); }

}  // namespace

void add_options(Options& options, Recipe& recipe) {
  const auto add = [&options](const char* name, Options::Target target, const char* help, OptionLimits limits = {}) {
    options.add("optim", name, target, help, std::move(limits));
  };
  add("optimizer", &recipe.optimizer, "how weights are updated",
      {.choices = {"sgd", "lars", "adam", "adamw", "radam"}});
  add("lr", &recipe.lr, "learning rate, the highest of the schedule", {.min = 0});
  add("momentum", &recipe.momentum, "of sgd and lars; beta1 of the others", {.min = 0, .max = 1});
  add("nesterov", &recipe.nesterov, "sgd looks ahead");
  add("beta2", &recipe.beta2, "of adam, adamw and radam", {.min = 0, .max = 1});
  add("weight-decay", &recipe.weight_decay, "pulls weights towards zero", {.min = 0});
  add("decay-all", &recipe.decays_all, "norms and biases have weight decay, too");
  add("schedule", &recipe.schedule, "of the learning rate", {.choices = {"constant", "cosine", "linear", "step"}});
  add("epochs", &recipe.epochs, "passes over the data", {.min = 0});
  add("max-steps", &recipe.max_steps, "end after so many updates, in place of epochs (0: epochs)", {.min = 0});
  add("warmup-epochs", &recipe.warmup_epochs, "the learning rate rises in a line first", {.min = 0});
  add("lr-end", &recipe.lr_end, "where cosine and linear end", {.min = 0});
  add("milestones", &recipe.milestones, "epochs at which schedule step falls", {.min = 0});
  add("lr-factor", &recipe.lr_factor, "by which it falls", {.min = 0, .max = 1});
  add("accumulate", &recipe.accumulate, "batches of one update", {.min = 1});
  add("clip-norm", &recipe.clip_norm, "largest norm of the gradient (0: any)", {.min = 0});
  add("ema", &recipe.ema, "momentum of averaged weights, which are evaluated (0: none)", {.min = 0, .max = 0.999999});
}

std::unique_ptr<optim::Optimizer> make_optimizer(const Recipe& recipe, const nn::Module& model) {
  std::vector<optim::ParameterRule> rules;
  const std::vector<NamedTensor> parameters = model.named_parameters();
  const bool has_vectors = std::any_of(parameters.begin(), parameters.end(),
                                       [](const NamedTensor& parameter) { return parameter.tensor.rank() <= 1; });
  if (!recipe.decays_all && has_vectors) {
    rules.push_back({.max_rank = 1, .weight_decay = 0.0});
  }
  optim::TrainedParameters trained = optim::configure(parameters, rules);
  if (recipe.optimizer == "sgd") {
    const optim::SgdOptions options{recipe.lr, recipe.momentum, recipe.weight_decay, recipe.nesterov};
    return std::make_unique<optim::Sgd>(std::move(trained), options);
  }
  if (recipe.optimizer == "lars") {
    const optim::LarsOptions options{.lr = recipe.lr, .momentum = recipe.momentum, .weight_decay = recipe.weight_decay};
    return std::make_unique<optim::Lars>(std::move(trained), options);
  }
  const optim::AdamOptions options{
      .lr = recipe.lr, .beta1 = recipe.momentum, .beta2 = recipe.beta2, .weight_decay = recipe.weight_decay};
  if (recipe.optimizer == "adam") {
    return std::make_unique<optim::Adam>(std::move(trained), options);
  }
  if (recipe.optimizer == "adamw") {
    return std::make_unique<optim::AdamW>(std::move(trained), options);
  }
  return std::make_unique<optim::RAdam>(std::move(trained), options, optim::RAdamEps::after_correction);
}

int64_t total_steps(const Recipe& recipe, int64_t steps_per_epoch) {
  return recipe.max_steps > 0 ? recipe.max_steps : steps_of(recipe.epochs, steps_per_epoch);
}

optim::Schedule make_schedule(const Recipe& recipe, int64_t steps_per_epoch) {
  const int64_t total = total_steps(recipe, steps_per_epoch);
  const int64_t warmup = std::min(steps_of(recipe.warmup_epochs, steps_per_epoch), total);
  const int64_t rest = std::max<int64_t>(total - warmup, 1);
  optim::Schedule schedule = optim::constant(recipe.lr);
  if (recipe.schedule == "cosine") {
    schedule = optim::then(std::move(schedule), warmup, optim::cosine(recipe.lr, recipe.lr_end, rest));
  } else if (recipe.schedule == "linear") {
    schedule = optim::then(std::move(schedule), warmup, optim::linear(recipe.lr, recipe.lr_end, rest));
  } else if (recipe.schedule == "step") {
    std::vector<int64_t> milestones;
    for (const double epoch : recipe.milestones) {
      milestones.push_back(steps_of(epoch, steps_per_epoch));
    }
    schedule = optim::multi_step(recipe.lr, recipe.lr_factor, std::move(milestones));
  }
  return warmup > 0 ? optim::with_warmup(0.0, warmup, std::move(schedule)) : schedule;
}

}  // namespace lv::train
