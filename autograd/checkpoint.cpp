#include "autograd/checkpoint.h"

#include "autograd/grad_mode.h"
#include "core/scoped_value.h"

namespace lv::autograd {

namespace {

thread_local CheckpointSegment* active_segment = nullptr;

}  // namespace

CheckpointSegment* CheckpointSegment::active() { return active_segment; }

CheckpointSegment::CheckpointSegment(Segment segment, std::span<const Tensor> inputs)
    : segment_(std::move(segment)),
      inputs_(inputs.begin(), inputs.end()),
      generator_(default_generator()),
      autocast_(autocast_dtype()) {
  for (const Tensor& input : inputs_) {
    versions_.push_back(input.defined() ? input.version() : 0);
  }
}

TensorList CheckpointSegment::run_first() {
  const ScopedValue scope(active_segment, this);
  return segment_(inputs_);
}

TensorList CheckpointSegment::make_once(const std::function<TensorList()>& make) {
  if (!is_second_run_) {
    return made_once_.emplace_back(make());
  }
  LV_CHECK(next_made_once_ < made_once_.size(),
           "checkpoint: the segment asks for {} results of the first run, which made {}; it must repeat the same work",
           next_made_once_ + 1, made_once_.size());
  return made_once_[next_made_once_++];
}

int CheckpointSegment::deposit(const Tensor& tensor) {
  if (is_second_run_) {
    recomputed_.push_back(tensor);
    return int(recomputed_.size()) - 1;
  }
  return tickets_++;
}

Tensor CheckpointSegment::redeem(int ticket) {
  if (int(recomputed_.size()) != tickets_) {
    recomputed_.clear();  // of a second run that failed
    recompute();
  }
  return recomputed_[size_t(ticket)];
}

void CheckpointSegment::recompute() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    LV_CHECK(!inputs_[i].defined() || inputs_[i].version() == versions_[i],
             "checkpoint: input {} of shape {} was changed after the forward pass (version {}, now {}); the segment "
             "cannot run again",
             i, inputs_[i].shape(), versions_[i], inputs_[i].version());
  }
  {
    const ScopedValue second_run(is_second_run_, true);
    const ScopedValue scope(active_segment, this);
    const ScopedValue replayed(default_generator(), generator_);
    const EnableGradGuard recording_on;
    const RecomputeGuard recomputing;
    const AutocastGuard autocast(autocast_);
    next_made_once_ = 0;
    segment_(inputs_);
  }
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
