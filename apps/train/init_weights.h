#pragma once

#include <string>

#include "nn/module.h"

namespace lv::train {

/// Where a model's first weights come from.
struct InitOptions {
  std::string file = {};    // a run's checkpoint folder, safetensors, or what torch.save wrote; empty: they are drawn
  std::string prefix = {};  // only entries below it are read, and without it
  std::string except = {};  // weights whose names begin with it stay as drawn; empty: none
};

/// Copies weights into `model`; names and shapes must be its own. Counters of batches, which old files lack, stay 0.
/// Throws IoError for a file that cannot be read, and Error in one line, with the option that helps where there is one,
/// for weights of another model.
void load_init(nn::Module& model, const InitOptions& options);

}  // namespace lv::train
