#include "autograd/engine.h"

#include <queue>
#include <unordered_map>
#include <utility>

#include "autograd/autocast.h"
#include "autograd/basic_ops.h"
#include "autograd/grad_mode.h"
#include "core/op_hook.h"

namespace lv::autograd {

namespace {

/// One traversal of the graph from the outputs' nodes to leaves or to requested inputs.
class Backward {
 public:
  explicit Backward(BackwardOptions options) : options_(options) {}

  void add_root(const Tensor& output, const Tensor& seed);
  /// Gradients of `input` are to be returned instead of accumulated; returns the slot of the result.
  void capture(const Tensor& input, Tensor* result);
  void run();

 private:
  struct Pending {
    NodePtr node;
    TensorList grads;
    int missing = 0;  // steps that still have to contribute
    std::vector<std::pair<int, Tensor*>> captures;
    bool is_reached = false;  // from a root
    bool needed = true;
  };

  void count_dependencies();
  void mark_needed();
  void step(Pending& pending);
  void send(const Edge& edge, Tensor grad, const Node& from);
  void check(const Node& node, int index, Tensor& grad, std::string_view from) const;
  Pending& pending_of(const NodePtr& node);

  struct Older {
    bool operator()(const Pending* a, const Pending* b) const { return a->node->sequence() < b->node->sequence(); }
  };

  BackwardOptions options_;
  std::unordered_map<Node*, Pending> graph_;
  std::vector<Pending*> roots_;
  std::priority_queue<Pending*, std::vector<Pending*>, Older> ready_;
  bool capturing_ = false;
};

Backward::Pending& Backward::pending_of(const NodePtr& node) {
  auto [it, inserted] = graph_.try_emplace(node.get());
  if (inserted) {
    it->second.node = node;
    it->second.grads.resize(node->outputs.size());
  }
  return it->second;
}

void Backward::add_root(const Tensor& output, const Tensor& seed) {
  const Edge edge = gradient_edge(output);
  LV_CHECK(bool(edge.node), "backward: the output {} does not depend on anything that requires a gradient",
           output.shape());
  Tensor grad = seed;
  if (!grad.defined()) {
    LV_CHECK_SHAPE(output.numel() == 1, "backward: an output of shape {} needs a seed gradient", output.shape());
    grad = Tensor::full(output.shape(), 1.0, output.dtype(), output.device());
  }
  check(*edge.node, edge.index, grad, "the seed");
  Pending& pending = pending_of(edge.node);
  Tensor& slot = pending.grads[edge.index];
  slot = slot.defined() ? accumulate(slot, grad, options_.create_graph) : grad;
  if (!std::exchange(pending.is_reached, true)) {
    roots_.push_back(&pending);
  }
}

void Backward::capture(const Tensor& input, Tensor* result) {
  capturing_ = true;
  const Edge edge = gradient_edge(input);
  LV_CHECK(bool(edge.node), "grad: an input of shape {} does not require a gradient", input.shape());
  pending_of(edge.node).captures.emplace_back(edge.index, result);
}

void Backward::count_dependencies() {
  std::vector<Pending*> stack = roots_;
  while (!stack.empty()) {
    const Node& node = *stack.back()->node;
    stack.pop_back();
    for (const Edge& edge : node.edges()) {
      if (!edge.node) {
        continue;
      }
      Pending& next = pending_of(edge.node);
      ++next.missing;
      if (!std::exchange(next.is_reached, true)) {
        stack.push_back(&next);
      }
    }
  }
}

/// When gradients are captured, only steps on a path to a captured one run. Older steps have smaller sequence numbers.
void Backward::mark_needed() {
  if (!capturing_) {
    return;
  }
  std::vector<Pending*> by_age;
  for (auto& [node, pending] : graph_) {
    by_age.push_back(&pending);
  }
  std::sort(by_age.begin(), by_age.end(), Older());
  for (Pending* pending : by_age) {
    pending->needed = !pending->captures.empty();
    for (const Edge& edge : pending->node->edges()) {
      pending->needed = pending->needed || (edge.node && graph_.at(edge.node.get()).needed);
    }
  }
}

void Backward::check(const Node& node, int index, Tensor& grad, std::string_view from) const {
  const OutputMeta& want = node.outputs[index];
  LV_CHECK_SHAPE(grad.shape() == want.shape,
                 "backward: {} gives a gradient of shape {} for output {} of {}, which has shape {}", from,
                 grad.shape(), index, node.name(), want.shape);
  LV_CHECK_DTYPE(grad.dtype() == want.dtype, "backward: {} gives a {} gradient for output {} of {}, which is {}", from,
                 grad.dtype(), index, node.name(), want.dtype);
  LV_CHECK_DEVICE(grad.device() == want.device,
                  "backward: {} gives a gradient on {} for output {} of {}, which is on {}", from, grad.device(), index,
                  node.name(), want.device);
}

void Backward::send(const Edge& edge, Tensor grad, const Node& from) {
  check(*edge.node, edge.index, grad, from.name());
  if (grad_state().anomaly && !is_all_finite(grad)) {
    fail("anomaly: {} gives a gradient with NaN or infinity; forward call: {}", from.name(),
         from.call_chain.empty() ? "(recorded outside anomaly mode)" : from.call_chain);
  }
  Tensor& slot = graph_.at(edge.node.get()).grads[edge.index];
  slot = slot.defined() ? accumulate(slot, grad, options_.create_graph) : std::move(grad);
}

void Backward::step(Pending& pending) {
  Node& node = *pending.node;
  for (const auto& [index, hook] : node.hooks) {
    if (Tensor& grad = pending.grads[index]; grad.defined()) {
      if (Tensor replaced = hook(grad); replaced.defined()) {
        check(node, index, replaced, "a hook");
        grad = std::move(replaced);
      }
    }
  }
  for (auto [index, result] : pending.captures) {
    const Tensor& grad = pending.grads[index];
    if (grad.defined()) {
      *result = grad;
    }
  }
  bool any = false;
  for (const Tensor& grad : pending.grads) {
    any = any || grad.defined();
  }
  const bool is_leaf = node.edges().empty();
  if (any && pending.needed && !(is_leaf && capturing_)) {
    TensorList grads = node.apply(pending.grads, options_.create_graph);
    pending.grads.clear();
    for (int i = 0; i < node.edges().size(); ++i) {
      if (node.edges()[i].node && i < grads.size() && grads[i].defined()) {
        send(node.edges()[i], std::move(grads[i]), node);
      }
    }
    if (!options_.retain_graph && !options_.create_graph) {
      node.release_saved();
    }
  }
  for (const Edge& edge : node.edges()) {
    if (edge.node) {
      Pending& next = graph_.at(edge.node.get());
      if (--next.missing == 0) {
        ready_.push(&next);
      }
    }
  }
}

void Backward::run() {
  const AutocastGuard autocast_off(std::nullopt);  // gradients have their tensors' dtypes already
  count_dependencies();
  mark_needed();
  for (Pending* root : roots_) {
    if (root->missing == 0) {
      ready_.push(root);
    }
  }
  while (!ready_.empty()) {
    Pending* next = ready_.top();
    ready_.pop();
    step(*next);
    next->grads.clear();
  }
}

}  // namespace

void backward(const Tensor& output, const Tensor& seed, BackwardOptions options) {
  Backward pass(options);
  pass.add_root(output, seed);
  pass.run();
}

std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs, std::span<const Tensor> seeds,
                         BackwardOptions options) {
  LV_CHECK(seeds.empty() || seeds.size() == outputs.size(), "grad: {} seeds for {} outputs", seeds.size(),
           outputs.size());
  std::vector<Tensor> results(inputs.size());
  Backward pass(options);
  for (size_t i = 0; i < inputs.size(); ++i) {
    pass.capture(inputs[i], &results[i]);
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    pass.add_root(outputs[i], seeds.empty() ? Tensor{} : seeds[i]);
  }
  pass.run();
  return results;
}

}  // namespace lv::autograd
