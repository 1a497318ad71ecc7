#include "apps/train/ema_weights.h"

#include <algorithm>

namespace lv::train {

namespace {

Tensor copy_of(const Tensor& tensor) {
  Tensor copy = tensor.empty_like(tensor.dtype(), tensor.device());
  copy.copy_from(tensor);
  return copy;
}

std::vector<NamedTensor> copies_of(const std::vector<NamedTensor>& tensors) {
  std::vector<NamedTensor> copies;
  for (const NamedTensor& entry : tensors) {
    copies.push_back({entry.name, copy_of(entry.tensor)});
  }
  return copies;
}

}  // namespace

EmaWeights::EmaWeights(const nn::Module& model, double momentum)
    : weights_(model.state_dict()),
      averages_(copies_of(weights_)),
      momentum_(momentum),
      ema_(weights_, averages_, momentum) {}

void EmaWeights::update() {
  ema_.set_momentum(std::min(momentum_, double(1 + updates_) / double(10 + updates_)));
  ema_.update();
  ++updates_;
}

void EmaWeights::swap() {
  for (size_t i = 0; i < weights_.size(); ++i) {
    const Tensor kept = copy_of(weights_[i].tensor);
    weights_[i].tensor.copy_from(averages_[i].tensor);
    averages_[i].tensor.copy_from(kept);
  }
}

void EmaWeights::save(const StateWriter& writer) const { writer.put("updates", updates_); }

void EmaWeights::load(const StateReader& reader) { updates_ = reader.get<int64_t>("updates"); }

}  // namespace lv::train
