#pragma once

#include <cmath>
#include <cstdint>

#include "core/hostdev.h"

// Update rules. A rule's `prepare<A>(tensor)` makes, once a chunk and in double, the constants of its Step<A>, which
// then updates an element (V = A, float or double) or a vector of them: value, gradient, moments.

namespace lv::kernels {

/// A tensor of an UpdateTable: `count` elements, dense and in the same order in all its arrays.
struct UpdateTensor {
  void* value = nullptr;
  const void* grad = nullptr;
  void* state[2] = {nullptr, nullptr};
  int64_t count = 0;
  int64_t first_chunk = 0;
  int64_t index = 0;    // where its entries of squares and factors are
  int64_t skipped = 0;  // steps of the optimizer in which this tensor had no gradient
  double lr_scale = 1;
  // The tensor's weight decay is decay_scale times the optimizer's plus decay_offset.
  double decay_scale = 1;
  double decay_offset = 0;
  bool is_adapted = true;  // takes part in layer-wise adaptation

  LV_HOSTDEV double decay(double of_optimizer) const { return decay_scale * of_optimizer + decay_offset; }
  bool operator==(const UpdateTensor&) const = default;
};

/// What a norm is multiplied with to come down to max_norm.
LV_HOSTDEV double clip_factor(double norm, double max_norm) {
  const double factor = max_norm / (norm + 1e-6);
  return factor < 1 ? factor : 1.0;
}

/// value -= lr (g + decay value)
struct SgdRule {
  static constexpr int kStates = 0;
  static constexpr bool kHasGrad = true;
  double lr = 0;
  double weight_decay = 0;
  double grad_scale = 1;

  template <class A>
  struct Step {
    A rate;
    A decay;
    A grad_scale;

    template <class V>
    LV_HOSTDEV void operator()(V& value, V grad, V* /*state*/) const {
      value = value - (grad * grad_scale + value * decay) * rate;
    }
  };
  template <class A>
  LV_HOSTDEV Step<A> prepare(const UpdateTensor& tensor) const {
    return {A(lr * tensor.lr_scale), A(tensor.decay(weight_decay)), A(grad_scale)};
  }
};

/// m = momentum m + g + decay value; value -= lr m, or lr (g + decay value + momentum m) (Nesterov). state: m.
struct MomentumRule {
  static constexpr int kStates = 1;
  static constexpr bool kHasGrad = true;
  double lr = 0;
  double weight_decay = 0;
  double grad_scale = 1;
  double momentum = 0;
  bool nesterov = false;

  template <class A>
  struct Step {
    A rate;
    A decay;
    A grad_scale;
    A momentum;
    bool nesterov;

    template <class V>
    LV_HOSTDEV void operator()(V& value, V grad, V* state) const {
      const V decayed = grad * grad_scale + value * decay;
      state[0] = state[0] * momentum + decayed;
      value = value - (nesterov ? decayed + state[0] * momentum : state[0]) * rate;
    }
  };
  template <class A>
  LV_HOSTDEV Step<A> prepare(const UpdateTensor& tensor) const {
    return {A(lr * tensor.lr_scale), A(tensor.decay(weight_decay)), A(grad_scale), A(momentum), nesterov};
  }
};

/// Adam and its kin. m and v are the averages of g and g^2 (state), corrected for their start at zero. With
/// `rectified` (RAdam) the step is scaled by the certainty of v, and while that is undefined (the first steps) v is not
/// used.
struct AdamRule {
  static constexpr int kStates = 2;
  static constexpr bool kHasGrad = true;
  double lr = 0;
  double weight_decay = 0;
  double grad_scale = 1;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  int64_t step = 1;              // of the optimizer, from 1
  bool decoupled_decay = false;  // value *= 1 - lr decay, instead of a term of the gradient
  bool rectified = false;
  bool eps_before_correction = false;  // eps is added to sqrt(v) before v is corrected

  template <class A>
  struct Step {
    A rate;
    A l2;
    A keep;
    A grad_scale;
    A beta1;
    A beta2;
    A one_less_beta2;
    A root_scale;
    A eps;
    bool is_adaptive;

    template <class V>
    LV_HOSTDEV void operator()(V& value, V grad, V* state) const {
      using std::sqrt;
      const V g = grad * grad_scale + value * l2;
      state[0] = g + (state[0] - g) * beta1;
      state[1] = state[1] * beta2 + g * g * one_less_beta2;
      const V direction = is_adaptive ? state[0] / (sqrt(state[1]) * root_scale + eps) : state[0];
      value = value * keep - direction * rate;
    }
  };

  template <class A>
  LV_HOSTDEV Step<A> prepare(const UpdateTensor& tensor) const {
    const auto t = double(step - tensor.skipped);
    const double power = std::pow(beta2, t);
    const double correction1 = 1 - std::pow(beta1, t);
    const double correction2 = 1 - power;
    const double tensor_lr = lr * tensor.lr_scale;
    const double decay = tensor.decay(weight_decay);
    bool is_adaptive = true;
    double rate = tensor_lr / correction1;
    if (rectified) {
      const double rho_end = 2 / (1 - beta2) - 1;
      const double rho = rho_end - 2 * t * power / correction2;
      is_adaptive = rho > 5;
      if (is_adaptive) {
        rate *= std::sqrt((rho - 4) * (rho - 2) * rho_end / ((rho_end - 4) * (rho_end - 2) * rho));
      }
    }
    const double root_scale = 1 / std::sqrt(correction2);
    return {A(rate),
            A(decoupled_decay ? 0.0 : decay),
            A(decoupled_decay ? 1 - tensor_lr * decay : 1.0),
            A(grad_scale),
            A(beta1),
            A(beta2),
            A(1 - beta2),
            A(root_scale),
            A(eps_before_correction ? eps * root_scale : eps),
            is_adaptive};
  }
};

/// m = momentum m + trust |value| / |d| d with d = g + decay value; value -= lr m. The ratio is 1 for tensors that are
/// not adapted and where a norm is 0. state: m.
struct LarsRule {
  static constexpr int kStates = 1;
  static constexpr bool kHasGrad = true;
  double lr = 0;
  double weight_decay = 0;
  double grad_scale = 1;
  double momentum = 0;
  double trust = 0;
  const double* squares = nullptr;  // of sum_squares

  template <class A>
  struct Step {
    A rate;
    A decay;
    A grad_scale;
    A momentum;

    template <class V>
    LV_HOSTDEV void operator()(V& value, V grad, V* state) const {
      state[0] = state[0] * momentum + grad * grad_scale + value * decay;
      value = value - state[0] * rate;
    }
  };
  template <class A>
  LV_HOSTDEV Step<A> prepare(const UpdateTensor& tensor) const {
    const double* sums = squares + 2 * tensor.index;
    const double ratio =
        tensor.is_adapted && sums[0] > 0 && sums[1] > 0 ? trust * std::sqrt(sums[0]) / std::sqrt(sums[1]) : 1.0;
    return {A(lr * tensor.lr_scale), A(ratio * tensor.decay(weight_decay)), A(ratio * grad_scale), A(momentum)};
  }
};

/// slow += rate (value - slow); value = slow. state: slow.
struct LookaheadRule {
  static constexpr int kStates = 1;
  static constexpr bool kHasGrad = false;
  double rate = 0.5;

  template <class A>
  struct Step {
    A rate;

    template <class V>
    LV_HOSTDEV void operator()(V& value, V /*grad*/, V* state) const {
      state[0] = state[0] + (value - state[0]) * rate;
      value = state[0];
    }
  };
  template <class A>
  LV_HOSTDEV Step<A> prepare(const UpdateTensor& /*tensor*/) const {
    return {A(rate)};
  }
};

/// value = momentum value + (1 - momentum) source, the source in the place of the gradient.
struct AverageRule {
  static constexpr int kStates = 0;
  static constexpr bool kHasGrad = true;
  double momentum = 0;

  template <class A>
  struct Step {
    A momentum;
    A weight;

    template <class V>
    LV_HOSTDEV void operator()(V& value, V source, V* /*state*/) const {
      value = value * momentum + source * weight;
    }
  };
  template <class A>
  LV_HOSTDEV Step<A> prepare(const UpdateTensor& /*tensor*/) const {
    return {A(momentum), A(1 - momentum)};
  }
};

}  // namespace lv::kernels
