#pragma once

#include "kernels/scalar_math.h"

// Element-wise functions of two arguments, V as in kernels/elementwise.cell.h, and those of their derivatives that are
// not themselves such functions.

namespace lv::kernels::cell {

struct Add {
  template <class V>
  static LV_HOSTDEV V value(V a, V b) {
    return a + b;
  }
};
struct Subtract {
  template <class V>
  static LV_HOSTDEV V value(V a, V b) {
    return a - b;
  }
};
struct Multiply {
  template <class V>
  static LV_HOSTDEV V value(V a, V b) {
    return a * b;
  }
};
struct Divide {
  template <class V>
  static LV_HOSTDEV V value(V a, V b) {
    return a / b;
  }
};
/// NaN where either is NaN, like Maximum.
struct Minimum {
  static constexpr bool kIsExact = true;
  template <class V>
  static LV_HOSTDEV V value(V a, V b) {
    return min(a, b);
  }
};
struct Maximum {
  static constexpr bool kIsExact = true;
  template <class V>
  static LV_HOSTDEV V value(V a, V b) {
    return max(a, b);
  }
};
struct RaiseTo {
  template <class V>
  static LV_HOSTDEV V value(V a, V b) {
    return pow(a, b);
  }
};

// Derivatives: g is the gradient of the result.

/// Of a / b by b.
struct DivideGradient {
  template <class V>
  static LV_HOSTDEV V value(V g, V a, V b) {
    return -g * (a / b) / b;
  }
};
/// Of minimum(a, b) by a; equal arguments share g evenly.
struct MinimumGradient {
  template <class V>
  static LV_HOSTDEV V value(V g, V a, V b) {
    return select(a < b, g, select(a == b, g * V(0.5), V(0)));
  }
};
/// Of maximum(a, b) by a.
struct MaximumGradient {
  template <class V>
  static LV_HOSTDEV V value(V g, V a, V b) {
    return select(a > b, g, select(a == b, g * V(0.5), V(0)));
  }
};
/// Of a^b by a.
struct BaseGradient {
  template <class V>
  static LV_HOSTDEV V value(V g, V a, V b) {
    return select(b == V(0), V(0), g * b * pow(a, b - V(1)));
  }
};
/// Of y = a^b by b; 0 where a is 0 and b is not negative, so that y is finite.
struct ExponentGradient {
  template <class V>
  static LV_HOSTDEV V value(V g, V y, V a) {
    const V gradient = g * y * log(a);
    return select(a == V(0), select(y < V(__builtin_inf()), V(0), gradient), gradient);
  }
};

}  // namespace lv::kernels::cell

/// X(name, functor) for every function of two arguments.
#define LV_BINARY_FUNCTIONS(X) \
  X(add, Add)                  \
  X(sub, Subtract)             \
  X(mul, Multiply)             \
  X(div, Divide)               \
  X(minimum, Minimum)          \
  X(maximum, Maximum)          \
  X(pow, RaiseTo)

/// X(name, functor) for every derivative of three arguments.
#define LV_TERNARY_FUNCTIONS(X)        \
  X(div_gradient, DivideGradient)      \
  X(minimum_gradient, MinimumGradient) \
  X(maximum_gradient, MaximumGradient) \
  X(base_gradient, BaseGradient)       \
  X(exponent_gradient, ExponentGradient)
