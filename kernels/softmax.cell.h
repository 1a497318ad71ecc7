#pragma once

#include <cmath>
#include <limits>

#include "core/hostdev.h"

namespace lv::kernels {

/// A sum of exponentials that never overflows: exp(max) * sum. Built in one reading, in any grouping.
template <class A>
struct ExpSum {
  A max = -std::numeric_limits<A>::infinity();
  A sum = 0;

  LV_HOSTDEV void add(A x) {
    if (x > max || x != x) {
      sum = sum * std::exp(max - x) + A(1);
      max = x;
    } else if (x > -std::numeric_limits<A>::infinity()) {  // exp(-inf - -inf) is not 0
      sum += std::exp(x - max);
    }
  }

  LV_HOSTDEV static ExpSum merge(ExpSum a, ExpSum b) {
    const bool a_leads = a.max > b.max || a.max != a.max;
    const ExpSum high = a_leads ? a : b;
    const ExpSum low = a_leads ? b : a;
    const bool has_low = low.max > -std::numeric_limits<A>::infinity();
    return {high.max, high.sum + (has_low ? low.sum * std::exp(low.max - high.max) : A(0))};
  }
};

}  // namespace lv::kernels
