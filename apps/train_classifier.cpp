// Trains a classifier of pictures.

#include <cstdio>

#include "apps/train/classification_task.h"
#include "apps/train/program.h"
#include "apps/train/trainer.h"

using namespace lv;
using namespace lv::train;

int main(int argc, char** argv) {
  return run_program("train_classifier", [&] {
    ClassificationData data;
    ClassifierChoice choice;
    Recipe recipe;
    RunOptions run;
    Options options("train_classifier", "Trains a classifier of pictures, and leaves a folder with all about it.",
                    "train_classifier --config configs/cifar10.toml --data cifar10 --run-dir runs/cifar10");
    add_options(options, data);
    add_options(options, choice);
    add_options(options, recipe);
    add_options(options, run);
    std::string output;
    if (!options.parse(argc, argv, output)) {
      std::fputs(output.c_str(), stdout);
      return 0;
    }
    const Device device = parse_device(run.device);
    prepare(run);
    Console console(run.quiet);
    ClassificationTask task(choice, data, device, uint64_t(run.seed), console);
    return run_task(task, recipe, run, options.to_toml(), console);
  });
}
