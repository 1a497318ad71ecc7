#pragma once

#include "optim/optimizer.h"

namespace lv::optim {

struct SgdOptions {
  double lr = 0.1;
  double momentum = 0;
  double weight_decay = 0;  // added to the gradient
  bool nesterov = false;
};

/// Stochastic gradient descent. With momentum: m = momentum m + g, then p -= lr m, or lr (g + momentum m) (Nesterov);
/// the learning rate is outside of the average. Equal to torch.optim.SGD without dampening.
class Sgd final : public Optimizer {
 public:
  explicit Sgd(TrainedParameters parameters, const SgdOptions& options = {});

 protected:
  void update(double grad_scale) override;

 private:
  double momentum_;
  bool nesterov_;
};

struct LarsOptions {
  double lr = 0.1;
  double momentum = 0.9;
  double weight_decay = 0;  // added to the gradient before the ratio
  double trust = 0.001;
};

/// SGD with layer-wise rates: the decayed gradient of a tensor is scaled to `trust` times the tensor's norm before it
/// enters the average. Tensors of rank 0 and 1 (norms, biases) have neither a ratio nor, unless they have one of their
/// own, weight decay. Equal to the LARS of MoCo v3 and iBOT.
class Lars final : public Optimizer {
 public:
  explicit Lars(TrainedParameters parameters, const LarsOptions& options = {});

 protected:
  void update(double grad_scale) override;

 private:
  double momentum_;
  double trust_;
};

}  // namespace lv::optim
