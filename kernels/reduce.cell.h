#pragma once

#include "kernels/scalar_math.h"

// What reductions do to each term, and how two results meet. V is float, double or a SIMD vector of them.

namespace lv::kernels::cell {

// Maps: a term from an element x and, for those with kHasOther, the element of a second array.

struct Value {
  static constexpr bool kHasOther = false;
  template <class V>
  static LV_HOSTDEV V term(V x, V) {
    return x;
  }
};
struct SquareOf {
  static constexpr bool kHasOther = false;
  template <class V>
  static LV_HOSTDEV V term(V x, V) {
    return x * x;
  }
};
struct Product {
  static constexpr bool kHasOther = true;
  template <class V>
  static LV_HOSTDEV V term(V x, V other) {
    return x * other;
  }
};
/// Whether the two are equal, as 1 or 0.
struct Equality {
  static constexpr bool kHasOther = true;
  template <class V>
  static LV_HOSTDEV V term(V x, V other) {
    return select(x == other, V(1), V(0));
  }
};
struct SquaredDifference {
  static constexpr bool kHasOther = true;
  template <class V>
  static LV_HOSTDEV V term(V x, V other) {
    return (x - other) * (x - other);
  }
};
/// An infinite `other` counts as 0, so that infinities do not cancel to NaN.
struct ExpDifference {
  static constexpr bool kHasOther = true;
  template <class V>
  static LV_HOSTDEV V term(V x, V other) {
    return exp(x - select(other - other == V(0), other, V(0)));
  }
};

// Combinations, with the result for no terms.

struct SumOf {
  static constexpr double kIdentity = 0.0;
  template <class V>
  static LV_HOSTDEV V combine(V a, V b) {
    return a + b;
  }
};
/// NaN if any term is. The term comes first: its test for NaN then is no part of the chain from total to total.
struct MaxOf {
  static constexpr double kIdentity = -__builtin_inf();
  template <class V>
  static LV_HOSTDEV V combine(V a, V b) {
    return max(b, a);
  }
};
struct MinOf {
  static constexpr double kIdentity = __builtin_inf();
  template <class V>
  static LV_HOSTDEV V combine(V a, V b) {
    return min(b, a);
  }
};

// Gradients of a reduction by its term x, written with two values of the output, a and b.

/// Of the variance: a is the mean, b the output's gradient over half the divisor.
struct VarGradient {
  template <class V>
  static LV_HOSTDEV V value(V x, V a, V b) {
    return (x - a) * b;
  }
};
/// Of log(sum(exp)): a is the output, b its gradient. An infinite output counts as 0, as in ExpDifference.
struct LogSumExpGradient {
  template <class V>
  static LV_HOSTDEV V value(V x, V a, V b) {
    return ExpDifference::term(x, a) * b;
  }
};
/// Of the largest or smallest term: a is the output, b the share of its gradient that each such term gets.
struct ExtremumGradient {
  template <class V>
  static LV_HOSTDEV V value(V x, V a, V b) {
    return select(x == a, b, V(0));
  }
};

}  // namespace lv::kernels::cell

/// X(name, combination, map) for every reduction there is.
#define LV_REDUCTIONS(X)                                  \
  X(sum, SumOf, Value)                                    \
  X(sum_of_squares, SumOf, SquareOf)                      \
  X(sum_of_products, SumOf, Product)                      \
  X(count_of_equals, SumOf, Equality)                     \
  X(sum_of_squared_differences, SumOf, SquaredDifference) \
  X(sum_of_exp_differences, SumOf, ExpDifference)         \
  X(max, MaxOf, Value)                                    \
  X(min, MinOf, Value)

/// X(name, functor) for every gradient of a reduction.
#define LV_REDUCTION_GRADIENTS(X) \
  X(var, VarGradient)             \
  X(logsumexp, LogSumExpGradient) \
  X(extremum, ExtremumGradient)
