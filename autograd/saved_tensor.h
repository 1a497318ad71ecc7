#pragma once

#include <memory>

#include "autograd/node.h"

namespace lv::autograd {

class CheckpointSegment;

/// A tensor kept for the backward pass with its version at save time. Where the step that made it can do so again, only
/// that step is kept. Inside a checkpointed segment it is a ticket, redeemed by running the segment again
/// (autograd/checkpoint.h).
class SavedTensor {
 public:
  /// `output_index`: which output of the saving step this is, or -1. An output is kept without its history, which would
  /// be a cycle.
  SavedTensor(const Tensor& tensor, int output_index);

  /// The tensor; an output gets `owner` as its history again. Throws when it was changed after it was saved.
  [[nodiscard]] Tensor unpack(Node& owner, std::string_view op, int position) const;

 private:
  Tensor tensor_;
  uint32_t version_ = 0;
  int output_index_ = -1;
  Edge maker_;
  std::shared_ptr<CheckpointSegment> segment_;
  int ticket_ = -1;
};

}  // namespace lv::autograd
