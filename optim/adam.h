#pragma once

#include "optim/optimizer.h"

namespace lv::optim {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
};

/// What Adam, AdamW and RAdam share: averages m and v of the gradient and its square, corrected for their start at
/// zero. A parameter that had no gradient for some steps is corrected by its own number of steps.
class AdamFamily : public Optimizer {
 protected:
  AdamFamily(std::string_view name, TrainedParameters parameters, const AdamOptions& options,
             const kernels::AdamRule& variant);

  void update(double grad_scale) final;

 private:
  kernels::AdamRule rule_;
};

/// Adam with weight decay as a term of the gradient. Equal to torch.optim.Adam.
class Adam final : public AdamFamily {
 public:
  explicit Adam(TrainedParameters parameters, const AdamOptions& options = {});
};

/// Adam with decoupled weight decay: p *= 1 - lr decay. Equal to torch.optim.AdamW.
class AdamW final : public AdamFamily {
 public:
  explicit AdamW(TrainedParameters parameters, const AdamOptions& options = {});
};

/// Where RAdam's eps goes.
enum class RAdamEps : uint8_t {
  after_correction,   // sqrt(v / (1 - beta2^t)) + eps: the paper, TensorFlow Addons
  before_correction,  // (sqrt(v) + eps) / sqrt(1 - beta2^t): torch.optim.RAdam
};

/// Rectified Adam: steps are scaled by the certainty of v, and taken along m alone while that is undefined
/// (rho_t <= 5, the first five steps with the default beta2). Weight decay is a term of the gradient.
class RAdam final : public AdamFamily {
 public:
  RAdam(TrainedParameters parameters, const AdamOptions& options, RAdamEps eps);
};

}  // namespace lv::optim
