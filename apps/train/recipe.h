#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/train/options.h"
#include "nn/module.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

namespace lv::train {

/// How weights are updated: the options of the group "optim".
struct Recipe {
  std::string optimizer = "sgd";
  double lr = 0.1;
  double momentum = 0.9;
  bool nesterov = false;
  double beta2 = 0.999;
  double weight_decay = 1e-4;
  bool decays_all = false;
  std::string schedule = "cosine";
  double epochs = 90;
  int64_t max_steps = 0;
  double warmup_epochs = 0;
  double lr_end = 0;
  std::vector<double> milestones = {30, 60, 80};
  double lr_factor = 0.1;
  int64_t accumulate = 1;
  double clip_norm = 0;
  double ema = 0;
};

void add_options(Options& options, Recipe& recipe);

/// The optimizer of the model's parameters. Unless decays_all, those of rank 0 and 1 (norms, biases) have no weight
/// decay.
std::unique_ptr<optim::Optimizer> make_optimizer(const Recipe& recipe, const nn::Module& model);

/// Updates of the whole training.
int64_t total_steps(const Recipe& recipe, int64_t steps_per_epoch);

/// The learning rate of each update.
optim::Schedule make_schedule(const Recipe& recipe, int64_t steps_per_epoch);

}  // namespace lv::train
