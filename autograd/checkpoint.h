#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "autograd/autocast.h"
#include "core/generator.h"
#include "core/tensor.h"

namespace lv::autograd {

using Segment = std::function<TensorList(std::span<const Tensor>)>;

/// Runs `segment(inputs)` without keeping what its steps save: backward runs the segment again when it first needs one
/// of those tensors. The second run replays the default generator and the autocast state, and updates no running
/// statistics. `segment` must do the same work both times. Differentiable in inputs and in whatever the segment
/// captures.
TensorList checkpoint(const Segment& segment, std::span<const Tensor> inputs);

/// The tensors that the steps of one checkpointed segment would have saved, in the order of saving.
class CheckpointSegment : public std::enable_shared_from_this<CheckpointSegment> {
 public:
  CheckpointSegment(Segment segment, std::span<const Tensor> inputs);
  TensorList run_first();

  /// The segment that is running on this thread, or null.
  static CheckpointSegment* active();
  [[nodiscard]] bool is_second_run() const { return is_second_run_; }
  /// What `make` gave in the first run; the second run gets the same tensors without calling it. For results that
  /// cannot be made twice: batch statistics over several processes.
  TensorList make_once(const std::function<TensorList()>& make);
  /// Notes a tensor that a step saves and returns its ticket. Only the second run keeps it: those steps, which matter
  /// when a gradient is differentiated again, also keep their tensors themselves.
  int deposit(const Tensor& tensor);
  /// The tensor of a ticket; the first call runs the segment again. All are kept as long as the segment, that is, until
  /// no step holds one of its tickets.
  Tensor redeem(int ticket);

 private:
  void recompute();

  Segment segment_;
  std::vector<Tensor> inputs_;
  std::vector<uint32_t> versions_;  // of the inputs
  Generator generator_;             // the default generator as it was before the first run
  std::optional<DType> autocast_;
  int tickets_ = 0;
  std::vector<Tensor> recomputed_;
  std::vector<TensorList> made_once_;
  size_t next_made_once_ = 0;
  bool is_second_run_ = false;
};

}  // namespace lv::autograd
