#include "autograd/node.h"

#include <atomic>

#include "autograd/grad_mode.h"

namespace lv::autograd {

Node::Node() {
  static std::atomic<uint64_t> next{0};
  sequence_ = next.fetch_add(1, std::memory_order_relaxed);
  if (grad_state().anomaly) {
    call_chain = autograd::call_chain();
  }
}

bool Node::can_remake(int /*output*/) const { return false; }

Tensor Node::remake(int /*output*/) { fail("{}: cannot make its output again", name()); }

void Node::release(Node* node) noexcept {
  // Deleting a node drops its saved tensors and edges, which may be the last references of other nodes: those are
  // queued here by the nested calls instead of being deleted on a deeper stack.
  static thread_local std::vector<Node*>* queue = nullptr;
  if (queue != nullptr) {
    queue->push_back(node);
    return;
  }
  std::vector<Node*> pending;
  queue = &pending;
  delete node;
  while (!pending.empty()) {
    Node* next = pending.back();
    pending.pop_back();
    delete next;
  }
  queue = nullptr;
}

AutogradMeta::~AutogradMeta() {
  if (accumulate) {
    accumulate->forget_leaf();
  }
}

AutogradMeta& meta_or_create(const Tensor& tensor) {
  auto& extension = tensor.impl()->extension;
  if (!extension) {
    extension = std::make_unique<AutogradMeta>();
  }
  return static_cast<AutogradMeta&>(*extension);
}

Edge gradient_edge(const Tensor& tensor) {
  AutogradMeta* m = meta(tensor);
  if (m == nullptr || !m->requires_grad) {
    return {};
  }
  if (m->history.node) {
    return m->history;
  }
  if (!m->accumulate) {
    m->accumulate = Intrusive<AccumulateGrad>(new AccumulateGrad(tensor.impl()));
    m->accumulate->outputs.push_back({tensor.shape(), tensor.dtype(), tensor.device()});
  }
  return {NodePtr(m->accumulate.get()), 0};
}

void register_hook(const Tensor& tensor, GradHook hook) {
  LV_CHECK(tensor.requires_grad(), "register_hook: the tensor does not require a gradient");
  const Edge edge = gradient_edge(tensor);
  edge.node->hooks.emplace_back(edge.index, std::move(hook));
}

void register_post_accumulate_hook(const Tensor& leaf, PostAccumulateHook hook) {
  LV_CHECK(leaf.requires_grad() && !meta(leaf)->history.node,
           "register_post_accumulate_hook: wants a leaf that requires a gradient");
  meta_or_create(leaf).post_hooks.push_back(std::move(hook));
}

}  // namespace lv::autograd
