#include "optim/ema.h"

#include <map>

#include "core/op_hook.h"
#include "core/stream.h"

namespace lv::optim {

Ema::Ema(std::span<const NamedTensor> student, std::span<const NamedTensor> teacher, double momentum) {
  set_momentum(momentum);
  std::map<std::string_view, Tensor> by_name;
  for (const NamedTensor& entry : student) {
    by_name.emplace(entry.name, entry.tensor);
  }
  std::vector<std::string> missing;
  for (const NamedTensor& entry : teacher) {
    const auto found = by_name.find(entry.name);
    if (found == by_name.end()) {
      missing.push_back(entry.name);
      continue;
    }
    const Tensor& source = found->second;
    LV_CHECK_SHAPE(source.shape() == entry.tensor.shape(), "ema: {} is {} in the student, {} in the teacher",
                   entry.name, source.shape(), entry.tensor.shape());
    LV_CHECK_DTYPE(source.dtype() == entry.tensor.dtype(), "ema: {} is {} in the student, {} in the teacher",
                   entry.name, source.dtype(), entry.tensor.dtype());
    const bool is_averaged = is_floating(source.dtype());
    if (is_averaged) {
      check_updatable("ema", entry.name, entry.tensor, source.device());
    }
    (is_averaged ? averaged_ : copied_).push_back({source, entry.tensor});
  }
  LV_CHECK(missing.empty(), "ema: the student lacks what the teacher has: {}", fmt::join(missing, ", "));
}

void Ema::set_momentum(double momentum) {
  LV_CHECK(momentum >= 0 && momentum <= 1, "ema: momentum must be in [0, 1], got {}", momentum);
  momentum_ = momentum;
}

void Ema::update() {
  const OpScope scope("ema");
  if (!averaged_.empty()) {
    const Device device = averaged_[0].teacher.device();
    std::vector<Tensor> sources;  // alive until the launch
    tables_.begin(device);
    for (const Pair& pair : averaged_) {
      sources.push_back(laid_out_as(pair.teacher, pair.student));
      tables_.add(pair.teacher, {.grad = sources.back().raw_data()});
      pair.teacher.bump_version();
    }
    for (const kernels::UpdateTable& table : tables_.finish()) {
      kernels::update_average({table, {momentum_}}, current_stream(device));
    }
  }
  for (const Pair& pair : copied_) {
    pair.teacher.copy_from(pair.student);
  }
}

}  // namespace lv::optim
