#include "optim/sgd.h"

namespace lv::optim {

Sgd::Sgd(TrainedParameters parameters, const SgdOptions& options)
    : Optimizer("sgd", std::move(parameters), options.lr, options.weight_decay,
                options.momentum != 0 ? std::vector<std::string>{"momentum"} : std::vector<std::string>{}),
      momentum_(options.momentum),
      nesterov_(options.nesterov) {
  LV_CHECK(!nesterov_ || momentum_ > 0, "sgd: Nesterov wants a momentum above 0, got {}", momentum_);
}

void Sgd::update(double grad_scale) {
  for (const kernels::UpdateTable& table : tables()) {
    if (momentum_ == 0) {
      kernels::update_sgd({table, {lr(), weight_decay(), grad_scale}}, stream());
    } else {
      kernels::update_momentum({table, {lr(), weight_decay(), grad_scale, momentum_, nesterov_}}, stream());
    }
  }
}

namespace {

TrainedParameters without_decay_of_vectors(TrainedParameters parameters) {
  for (TrainedParameter& parameter : parameters) {
    if (parameter.tensor.rank() <= 1 && !parameter.weight_decay.has_value()) {
      parameter.weight_decay = 0;
    }
  }
  return parameters;
}

}  // namespace

Lars::Lars(TrainedParameters parameters, const LarsOptions& options)
    : Optimizer("lars", without_decay_of_vectors(std::move(parameters)), options.lr, options.weight_decay,
                {"momentum"}),
      momentum_(options.momentum),
      trust_(options.trust) {}

void Lars::update(double grad_scale) {
  const auto listed_tables = tables();
  const Device device = stream().device;
  const Tensor squares = Tensor::empty({listed().tensor_count(), 2}, DType::f64, device);
  for (const kernels::UpdateTable& table : listed_tables) {
    const Tensor partials = Tensor::empty({table.chunk_count, 2}, DType::f64, device);
    kernels::sum_squares({table, grad_scale, weight_decay(), partials.data<double>(), squares.data<double>()},
                         stream());
    kernels::update_lars({table, {lr(), weight_decay(), grad_scale, momentum_, trust_, squares.data<double>()}},
                         stream());
  }
}

}  // namespace lv::optim
