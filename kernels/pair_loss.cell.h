#pragma once

#include "kernels/scalar_math.h"

// Losses of single elements of an input x and a target t, and their derivatives by both. V is float, double or a SIMD
// vector of them; `p` is the parameter of those that have one.

namespace lv::kernels::cell {

/// 1 for positive numbers, -1 for negative ones, 0 for 0, NaN for NaN.
template <class V>
LV_HOSTDEV V sign_of(V d) {
  return select(d > V(0), V(1), select(d < V(0), V(-1), d));
}

/// (x - t)^2
struct SquaredError {
  template <class V>
  static LV_HOSTDEV V value(V x, V t, V) {
    return (x - t) * (x - t);
  }
  template <class V>
  static LV_HOSTDEV V by_input(V x, V t, V) {
    return V(2) * (x - t);
  }
  template <class V>
  static LV_HOSTDEV V by_target(V x, V t, V) {
    return V(2) * (t - x);
  }
};

/// |x - t|
struct AbsoluteError {
  template <class V>
  static LV_HOSTDEV V value(V x, V t, V) {
    return abs(x - t);
  }
  template <class V>
  static LV_HOSTDEV V by_input(V x, V t, V) {
    return sign_of(x - t);
  }
  template <class V>
  static LV_HOSTDEV V by_target(V x, V t, V) {
    return sign_of(t - x);
  }
};

/// d^2 / (2 p) for d = |x - t| below p, else d - p / 2.
struct SmoothError {
  template <class V>
  static LV_HOSTDEV V value(V x, V t, V p) {
    const V d = abs(x - t);
    return select(d < p, d * d * (V(0.5) / p), d - V(0.5) * p);
  }
  template <class V>
  static LV_HOSTDEV V slope(V d, V p) {
    return select(abs(d) < p, d / p, sign_of(d));
  }
  template <class V>
  static LV_HOSTDEV V by_input(V x, V t, V p) {
    return slope(x - t, p);
  }
  template <class V>
  static LV_HOSTDEV V by_target(V x, V t, V p) {
    return slope(t - x, p);
  }
};

/// -t log s(x) - (1 - t) log(1 - s(x)) for the sigmoid s, which is (1 - t) x + log(1 + e^-x).
struct BinaryEntropy {
  template <class V>
  static LV_HOSTDEV V value(V x, V t, V) {
    return (V(1) - t) * x + (max(-x, V(0)) + log1p(exp(-abs(x))));
  }
  template <class V>
  static LV_HOSTDEV V by_input(V x, V t, V) {
    return sigmoid(x) - t;
  }
  template <class V>
  static LV_HOSTDEV V by_target(V x, V, V) {
    return -x;
  }
};

/// t (log t - x), 0 where t is 0, whatever x.
struct Divergence {
  template <class V>
  static LV_HOSTDEV V value(V x, V t, V) {
    return select(t == V(0), V(0), t * (log(t) - x));
  }
  template <class V>
  static LV_HOSTDEV V by_input(V, V t, V) {
    return -t;
  }
  template <class V>
  static LV_HOSTDEV V by_target(V x, V t, V) {
    return select(t == V(0), V(0), log(t) - x + V(1));
  }
};

/// The same with log t as target.
struct LogDivergence {
  template <class V>
  static LV_HOSTDEV V value(V x, V t, V) {
    return exp(t) * (t - x);
  }
  template <class V>
  static LV_HOSTDEV V by_input(V, V t, V) {
    return -exp(t);
  }
  template <class V>
  static LV_HOSTDEV V by_target(V x, V t, V) {
    return exp(t) * (t - x + V(1));
  }
};

}  // namespace lv::kernels::cell

/// X(enumerator, functor, name) for every loss.
#define LV_PAIR_LOSSES(X)                     \
  X(squared, SquaredError, "mse_loss")        \
  X(absolute, AbsoluteError, "l1_loss")       \
  X(smooth, SmoothError, "smooth_l1_loss")    \
  X(binary, BinaryEntropy, "bce_with_logits") \
  X(divergence, Divergence, "kl_div")         \
  X(log_divergence, LogDivergence, "kl_div_log")
