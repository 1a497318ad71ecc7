#pragma once

#include <string>
#include <vector>

#include "nn/module.h"

namespace lv::models {

/// One call of a layer in a forward pass.
struct LayerSummary {
  std::string name;  // "layer1.0.conv1"
  std::string type;  // "Conv2d"
  Shape output;
  int64_t parameters = 0;  // of this layer itself; 0 for a second call
  int64_t multiply_adds = 0;
};

/// The layers that `forward` runs within `module`, in the order in which they end.
std::vector<LayerSummary> summarize(nn::Module& module, const std::function<void()>& forward);

}  // namespace lv::models
