#include "optim/loss_scaler.h"

namespace lv::optim {

LossScaler::LossScaler(const LossScalerOptions& options) : options_(options), scale_(options.initial_scale) {
  LV_CHECK(options_.growth >= 1 && options_.backoff > 0 && options_.backoff < 1 && options_.growth_interval > 0,
           "loss_scaler: wants growth >= 1, 0 < backoff < 1 and an interval above 0, got {}, {} and {}",
           options_.growth, options_.backoff, options_.growth_interval);
}

void LossScaler::backward(const Tensor& loss) const {
  LV_CHECK_DTYPE(loss.dtype() == DType::f32 || loss.dtype() == DType::f64,
                 "loss_scaler: the loss is {}, in which its scale {} may not exist; cast it to f32", loss.dtype(),
                 scale_);
  loss.backward(Tensor::full(loss.shape(), scale_, loss.dtype()).to(loss.device()));
}

bool LossScaler::unscale(Gradients& gradients) {
  if (gradients.scale_and_check(1.0 / scale_)) {
    if (++clean_steps_ == options_.growth_interval) {
      scale_ *= options_.growth;
      clean_steps_ = 0;
    }
    return true;
  }
  const double next = scale_ * options_.backoff;
  LV_CHECK(next >= options_.min_scale,
           "loss_scaler: gradients are infinite or NaN at a scale of {}, the next would be below {}", scale_,
           options_.min_scale);
  scale_ = next;
  clean_steps_ = 0;
  return false;
}

void LossScaler::save(const StateWriter& writer) const {
  writer.put("scale", scale_);
  writer.put("clean_steps", clean_steps_);
}

void LossScaler::load(const StateReader& reader) {
  scale_ = reader.get<double>("scale");
  clean_steps_ = reader.get<int64_t>("clean_steps");
}

}  // namespace lv::optim
