// The members of Tensor that core declares and autograd defines.

#include "autograd/basic_ops.h"
#include "autograd/engine.h"
#include "autograd/grad_mode.h"

namespace lv {

using autograd::AutogradMeta;

bool Tensor::requires_grad() const {
  const AutogradMeta* m = autograd::meta(*this);
  return m != nullptr && m->requires_grad;
}

const Tensor& Tensor::set_requires_grad(bool value) const {
  LV_CHECK_DTYPE(!value || is_floating(dtype()),
                 "set_requires_grad: only floating tensors have gradients, this one is {}", dtype());
  AutogradMeta& m = autograd::meta_or_create(*this);
  LV_CHECK(!m.history.node, "set_requires_grad: the tensor was computed; detach it first");
  m.requires_grad = value;
  return *this;
}

Tensor Tensor::grad() const {
  const AutogradMeta* m = autograd::meta(*this);
  return m != nullptr ? m->grad : Tensor{};
}

void Tensor::set_grad(const Tensor& grad) const {
  LV_CHECK_SHAPE(!grad.defined() || grad.shape() == shape(), "set_grad: gradient {} for a tensor of shape {}",
                 grad.shape(), shape());
  autograd::meta_or_create(*this).grad = grad;
}

void Tensor::backward(const Tensor& seed) const { autograd::backward(*this, seed); }

namespace autograd {

TensorList AccumulateGrad::apply(std::span<const Tensor> grads, bool create_graph) {
  if (leaf_ == nullptr) {
    return {};
  }
  const Tensor leaf = Tensor::share(leaf_);
  AutogradMeta& m = *meta(leaf);
  if (!m.grad.defined()) {
    // A gradient that someone else still holds (a saved tensor, the caller's seed) must not be written to later.
    const bool is_ours = grads[0].is_unshared() && is_dense(grads[0].shape(), grads[0].strides());
    m.grad = create_graph || is_ours ? grads[0] : copy_contiguous(grads[0]);
  } else if (create_graph) {
    m.grad = add(m.grad, grads[0]);
  } else {
    add_in_place(m.grad, grads[0]);
  }
  for (const PostAccumulateHook& hook : m.post_hooks) {
    hook(leaf);
  }
  return {};
}

}  // namespace autograd

}  // namespace lv
