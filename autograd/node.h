#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/intrusive.h"
#include "core/tensor.h"

namespace lv::autograd {

class Node;
using GradHook = std::function<Tensor(const Tensor& grad)>;
using PostAccumulateHook = std::function<void(const Tensor& leaf)>;
using NodePtr = Intrusive<Node>;

/// Where a gradient goes: input `index` of `node`'s backward step, that is, output `index` of its forward step.
struct Edge {
  NodePtr node;
  int index = 0;
};

/// What a gradient of one forward output must look like.
struct OutputMeta {
  Shape shape;
  DType dtype = DType::f32;
  Device device;
};

/// One step of the backward pass: turns gradients of a forward step's outputs into gradients of its inputs.
class Node : public RefCounted {
 public:
  Node();
  virtual ~Node() = default;
  /// Drops the last reference. Chains of nodes are released iteratively: a deep graph does not overflow the stack.
  static void release(Node* node) noexcept;

  [[nodiscard]] virtual std::string_view name() const = 0;
  /// grads: one entry per output, undefined where nothing arrived. Returns one entry per edge, undefined where not
  /// needed. With `create_graph` the result is itself differentiable.
  virtual TensorList apply(std::span<const Tensor> grads, bool create_graph) = 0;
  /// Whether this step can make an output again at little cost, from what it has saved for itself. Then no other step
  /// keeps that output for its backward, but has it made again there.
  [[nodiscard]] virtual bool can_remake(int output) const;
  /// An output again, without history. Only where can_remake().
  virtual Tensor remake(int output);
  /// Forgets saved tensors; a later apply throws.
  virtual void release_saved() {}

  [[nodiscard]] const InlineVector<Edge, 4>& edges() const { return edges_; }
  [[nodiscard]] uint64_t sequence() const { return sequence_; }

  InlineVector<OutputMeta, 2> outputs;
  /// Run on the complete gradient of an output before the step; a defined result replaces it.
  std::vector<std::pair<int, GradHook>> hooks;
  /// Forward call chain, kept in anomaly mode only.
  std::string call_chain;

 protected:
  InlineVector<Edge, 4> edges_;

 private:
  uint64_t sequence_;
};

/// The last step of a leaf: adds the gradient to the tensor's own and runs its hooks.
class AccumulateGrad final : public Node {
 public:
  explicit AccumulateGrad(TensorImpl* leaf) : leaf_(leaf) {}
  [[nodiscard]] std::string_view name() const override { return "accumulate_grad"; }
  TensorList apply(std::span<const Tensor> grads, bool create_graph) override;
  [[nodiscard]] TensorImpl* leaf() const { return leaf_; }
  void forget_leaf() { leaf_ = nullptr; }

 private:
  TensorImpl* leaf_;  // owns this node, and clears the pointer when it dies
};

/// What autograd attaches to a tensor.
class AutogradMeta final : public TensorExtension {
 public:
  ~AutogradMeta() override;

  bool requires_grad = false;
  Tensor grad;
  Edge history;                          // of a computed tensor: the step that made it
  Intrusive<AccumulateGrad> accumulate;  // of a leaf, made at first use
  std::vector<PostAccumulateHook> post_hooks;
};

/// The meta of a tensor, or null.
inline AutogradMeta* meta(const Tensor& tensor) {
  return tensor.defined() ? static_cast<AutogradMeta*>(tensor.impl()->extension.get()) : nullptr;
}
AutogradMeta& meta_or_create(const Tensor& tensor);

/// Where the gradient of `tensor` must be sent; an empty edge when it needs none.
Edge gradient_edge(const Tensor& tensor);

/// Calls `hook` with the gradient of `tensor` when it is complete; a defined result replaces it.
void register_hook(const Tensor& tensor, GradHook hook);

/// Calls `hook` once per backward, after the last contribution to the leaf's gradient has been added.
void register_post_accumulate_hook(const Tensor& leaf, PostAccumulateHook hook);

}  // namespace lv::autograd
