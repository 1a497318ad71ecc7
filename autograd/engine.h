#pragma once

#include <vector>

#include "autograd/node.h"

namespace lv::autograd {

struct BackwardOptions {
  bool retain_graph = false;  // keep saved tensors for another backward
  bool create_graph = false;  // gradients are themselves differentiable; implies retain_graph
};

/// Adds to `.grad()` of every leaf that `output` depends on. `seed`: gradient of output; may be absent for one element.
/// Deterministic: ready steps run in descending order of creation, contributions are added in that order.
void backward(const Tensor& output, const Tensor& seed = {}, BackwardOptions options = {});

/// Gradients of `outputs` (weighted by `seeds`) with respect to `inputs`, which may be leaves or computed; `.grad()` is
/// not touched. An input that no output depends on gives an undefined tensor.
std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> seeds = {}, BackwardOptions options = {});

}  // namespace lv::autograd
