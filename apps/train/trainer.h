#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "apps/train/console.h"
#include "apps/train/init_weights.h"
#include "apps/train/stepper.h"

namespace lv::train {

/// How a run is conducted: the options of the group "run".
struct RunOptions {
  std::string run_dir = "runs/run";
  std::string resume = "no";
  InitOptions init = {};
  bool eval_only = false;
  std::string device = "cpu";
  std::string precision = "fp32";
  int64_t threads = 0;
  int64_t seed = 0;
  int64_t log_every = 50;
  double eval_every = 1;
  int64_t checkpoint_every = 0;
  int64_t keep_checkpoints = 2;
  int64_t profile = 0;
  int64_t check_determinism = 0;
  bool overfit_one_batch = false;
  bool quiet = false;
};

void add_options(Options& options, RunOptions& run);

/// "cpu" or "cuda" as a device. Throws UsageError when there is no GPU.
Device parse_device(const std::string& name);

/// Sets the number of threads and the seed of the default generator: to be called before the model is made.
void prepare(const RunOptions& run);

/// Trains a task as the options say: in a new run folder, or going on in one; or evaluates it, or checks that training
/// is deterministic. `config`: what the run folder keeps as config.toml. Returns the program's exit code. SIGINT and
/// SIGTERM end the training after the step, with a checkpoint and code 0.
int run_task(Task& task, const Recipe& recipe, const RunOptions& run, const std::string& config, Console& console);

}  // namespace lv::train
