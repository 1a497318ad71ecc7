#include "autograd/saved_tensor.h"

#include "autograd/checkpoint.h"

namespace lv::autograd {

namespace {

Tensor with_history(const Tensor& tensor, Edge history) {
  Tensor result = tensor.detach();
  AutogradMeta& m = meta_or_create(result);
  m.requires_grad = true;
  m.history = std::move(history);
  return result;
}

}  // namespace

SavedTensor::SavedTensor(const Tensor& tensor, int output_index) : output_index_(output_index) {
  if (!tensor.defined()) {
    return;
  }
  const Tensor kept = output_index >= 0 ? tensor.detach() : tensor;
  if (CheckpointSegment* segment = CheckpointSegment::active(); segment != nullptr) {
    const int ticket = segment->deposit(kept);
    if (!segment->is_second_run()) {
      ticket_ = ticket;
      segment_ = segment->shared_from_this();
      return;
    }
  }
  if (const AutogradMeta* m = meta(kept);
      m != nullptr && m->history.node && m->history.node->can_remake(m->history.index)) {
    maker_ = m->history;
    return;
  }
  tensor_ = kept;
  version_ = kept.version();
}

Tensor SavedTensor::unpack(Node& owner, std::string_view op, int position) const {
  if (maker_.node) {
    return with_history(maker_.node->remake(maker_.index), maker_);
  }
  Tensor tensor = segment_ ? segment_->redeem(ticket_) : tensor_;
  if (!tensor.defined()) {
    return tensor;
  }
  LV_CHECK(segment_ || tensor.version() == version_,
           "{}: saved tensor {} of shape {} was changed after the forward pass (version {}, now {}); "
           "do not write to a tensor that a backward pass still needs",
           op, position, tensor.shape(), version_, tensor.version());
  return output_index_ >= 0 ? with_history(tensor, {NodePtr(&owner), output_index_}) : tensor;
}

}  // namespace lv::autograd
