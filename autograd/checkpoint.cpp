#include "autograd/checkpoint.h"

#include "autograd/grad_mode.h"

namespace lv::autograd {

namespace {

thread_local CheckpointSegment* active_segment = nullptr;

class SegmentScope {
 public:
  explicit SegmentScope(CheckpointSegment* segment) : previous_(active_segment) { active_segment = segment; }
  ~SegmentScope() { active_segment = previous_; }
  SegmentScope(const SegmentScope&) = delete;
  SegmentScope& operator=(const SegmentScope&) = delete;

 private:
  CheckpointSegment* previous_;
};

}  // namespace

CheckpointSegment* CheckpointSegment::active() { return active_segment; }

CheckpointSegment::CheckpointSegment(Segment segment, std::span<const Tensor> inputs)
    : segment_(std::move(segment)),
      inputs_(inputs.begin(), inputs.end()),
      generator_(default_generator()),
      autocast_(autocast_state()) {}

TensorList CheckpointSegment::run_first() {
  const SegmentScope scope(this);
  return segment_(inputs_);
}

int CheckpointSegment::deposit(const Tensor& tensor) {
  if (is_second_run_) {
    recomputed_.push_back(tensor);
    return int(recomputed_.size()) - 1;
  }
  return tickets_++;
}

Tensor CheckpointSegment::redeem(int ticket) {
  if (recomputed_.empty()) {
    recompute();
  }
  return recomputed_[size_t(ticket)];
}

void CheckpointSegment::recompute() {
  const Generator present = default_generator();
  default_generator() = generator_;
  is_second_run_ = true;
  {
    const SegmentScope scope(this);
    const EnableGradGuard recording_on;
    const RecomputeGuard recomputing;
    const AutocastStateGuard autocast(autocast_);
    segment_(inputs_);
  }
  is_second_run_ = false;
  default_generator() = present;
  LV_CHECK(int(recomputed_.size()) == tickets_,
           "checkpoint: the segment saved {} tensors when run again, {} the first time; it must repeat the same work",
           recomputed_.size(), tickets_);
}

TensorList checkpoint(const Segment& segment, std::span<const Tensor> inputs) {
  if (!grad_enabled()) {
    return segment(inputs);
  }
  return std::make_shared<CheckpointSegment>(segment, inputs)->run_first();
}

}  // namespace lv::autograd
