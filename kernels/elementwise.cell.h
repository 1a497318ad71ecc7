#pragma once

#include "core/hostdev.h"

// Element-wise functions of two arguments with their derivatives. V is float, double or a SIMD vector of them.

namespace lv::kernels {

struct Add {
  template <class V>
  static LV_HOSTDEV V value(V a, V b) {
    return a + b;
  }
};
struct Mul {
  template <class V>
  static LV_HOSTDEV V value(V a, V b) {
    return a * b;
  }
};

}  // namespace lv::kernels

/// X(name, functor) for every function of two arguments.
#define LV_BINARY_FUNCTIONS(X) \
  X(add, Add)                  \
  X(mul, Mul)
