#include "autograd/function.h"

#include "autograd/basic_ops.h"

namespace lv::autograd {

TensorList differentiate_reference(const std::function<TensorList(Inputs)>& function, Inputs inputs, Inputs grads,
                                   uint64_t wanted) {
  const EnableGradGuard recording;
  // Each input gets a handle of its own, so that one tensor passed twice receives two gradients.
  TensorList handles;
  std::vector<Tensor> targets;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const bool is_wanted = (wanted >> i & 1U) != 0;
    handles.push_back(is_wanted ? alias(inputs[i]) : inputs[i]);
    if (is_wanted) {
      targets.push_back(handles[int(i)]);
    }
  }
  const TensorList outputs = function(handles);
  std::vector<Tensor> used_outputs;
  std::vector<Tensor> seeds;
  for (int i = 0; i < outputs.size(); ++i) {
    if (grads[size_t(i)].defined() && outputs[i].requires_grad()) {
      used_outputs.push_back(outputs[i]);
      seeds.push_back(grads[size_t(i)]);
    }
  }
  const std::vector<Tensor> found = grad(used_outputs, targets, seeds, {.create_graph = true});
  TensorList results(int(inputs.size()));
  size_t next = 0;
  for (int i = 0; i < results.size(); ++i) {
    if ((wanted >> i & 1U) != 0) {
      results[i] = found[next++];
    }
  }
  return results;
}

}  // namespace lv::autograd
