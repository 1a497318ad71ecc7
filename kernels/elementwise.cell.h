#pragma once

#include <cstdint>

#include "kernels/scalar_math.h"

// Element-wise functions with their derivatives. V is float, double or a SIMD vector of them: the same text is the CPU
// kernel and the CUDA kernel.
//
// A function of one argument has
//   kSaved      what its derivative is written with: the input x, the output y, or nothing
//   value(x, p)
//   gradient(g, saved, p)   g times the derivative
// where p holds up to two parameters.

namespace lv::kernels {

/// Parameters of a function of one argument.
template <class V>
struct Scalars {
  V a = V(0);
  V b = V(0);
};

enum class Saved : uint8_t { input, output, nothing };

/// Whether F says (kIsExact) that its value is always one that the type of its arguments has, in 16 bits too.
template <class F>
inline constexpr bool kGivesExactValues = requires { F::kIsExact; };

}  // namespace lv::kernels

namespace lv::kernels::cell {

/// a x + b. The neutral b is -0.0, which keeps the sign of a zero.
struct Affine {
  static constexpr Saved kSaved = Saved::nothing;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V> p) {
    return fma(x, p.a, p.b);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V, Scalars<V> p) {
    return g * p.a;
  }
};

/// x / a
struct DivideBy {
  static constexpr Saved kSaved = Saved::nothing;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V> p) {
    return x / p.a;
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V, Scalars<V> p) {
    return g / p.a;
  }
};

/// a / x
struct DivideInto {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V> p) {
    return p.a / x;
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V> p) {
    return -g * p.a / (x * x);
  }
};

struct Square {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return x * x;
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V>) {
    return g * (x + x);
  }
};

struct Sqrt {
  static constexpr Saved kSaved = Saved::output;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return sqrt(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V y, Scalars<V>) {
    return g / (y + y);
  }
};

struct Rsqrt {
  static constexpr Saved kSaved = Saved::output;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return rsqrt(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V y, Scalars<V>) {
    return V(-0.5) * g * (y * y * y);
  }
};

/// x^a
struct Power {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V> p) {
    return pow(x, p.a);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V> p) {
    return select(p.a == V(0), V(0), g * p.a * pow(x, p.a - V(1)));
  }
};

struct Exp {
  static constexpr Saved kSaved = Saved::output;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return exp(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V y, Scalars<V>) {
    return g * y;
  }
};

struct Expm1 {
  static constexpr Saved kSaved = Saved::output;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return expm1(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V y, Scalars<V>) {
    return fma(g, y, g);
  }
};

struct Log {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return log(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V>) {
    return g / x;
  }
};

struct Log1p {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return log1p(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V>) {
    return g / (x + V(1));
  }
};

struct Erf {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return erf(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V>) {
    return g * V(1.12837916709551257390) * exp(-x * x);  // 2 / sqrt(pi)
  }
};

/// Of an angle in radians.
struct Sin {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return sin(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V>) {
    return g * cos(x);
  }
};

/// Of an angle in radians.
struct Cos {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return cos(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V>) {
    return -g * sin(x);
  }
};

struct Abs {
  static constexpr Saved kSaved = Saved::input;
  static constexpr bool kIsExact = true;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return abs(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V>) {
    return select(x > V(0), g, select(x < V(0), -g, g * x));
  }
};

/// To the nearest integer, ties to even.
struct Round {
  static constexpr Saved kSaved = Saved::nothing;
  static constexpr bool kIsExact = true;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return round_even(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V, V, Scalars<V>) {
    return V(0);
  }
};

struct Floor {
  static constexpr Saved kSaved = Saved::nothing;
  static constexpr bool kIsExact = true;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return floor(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V, V, Scalars<V>) {
    return V(0);
  }
};

/// x held to [a, b]. The limits themselves pass the gradient.
struct Clamp {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V> p) {
    return min(max(x, p.a), p.b);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V> p) {
    return select(x < p.a, V(0), select(x > p.b, V(0), g));
  }
};

struct Relu {
  static constexpr Saved kSaved = Saved::output;
  static constexpr bool kIsExact = true;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return max(x, V(0));
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V y, Scalars<V>) {
    return select(y > V(0), g, V(0));
  }
};

/// x, or a x below zero.
struct LeakyRelu {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V> p) {
    return select(x > V(0), x, x * p.a);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V> p) {
    return select(x > V(0), g, g * p.a);
  }
};

struct Sigmoid {
  static constexpr Saved kSaved = Saved::output;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return sigmoid(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V y, Scalars<V>) {
    return g * (y - y * y);
  }
};

struct Tanh {
  static constexpr Saved kSaved = Saved::output;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return tanh(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V y, Scalars<V>) {
    return g * (V(1) - y * y);
  }
};

/// sigmoid(x), less exact than that of vectors: cheap where a product with x hides it.
template <class V>
LV_HOSTDEV V logistic(V x) {
  return V(1) / (V(1) + exp(-x));
}

/// x sigmoid(x)
struct Silu {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return x / (V(1) + exp(-x));
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V>) {
    const V s = logistic(x);
    return g * s * fma(x, V(1) - s, V(1));
  }
};

/// x Phi(x), Phi the normal distribution
struct Gelu {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return x * normal_at(x).distribution;
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V>) {
    const auto normal = normal_at(x);
    return g * fma(x, normal.density, normal.distribution);
  }
};

/// GELU with Phi(x) approximated by (1 + tanh(u)) / 2, u = sqrt(2 / pi) (x + 0.044715 x^3)
struct GeluTanh {
  static constexpr Saved kSaved = Saved::input;
  static constexpr double kScale = 0.79788456080286535588;  // sqrt(2 / pi)
  static constexpr double kCubic = 0.044715;
  template <class V>
  static LV_HOSTDEV V distribution(V x) {
    // (1 + tanh(u)) / 2 = sigmoid(2 u)
    return logistic(x * fma(x * x, V(2 * kScale * kCubic), V(2 * kScale)));
  }
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return x * distribution(x);
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V>) {
    const V s = distribution(x);
    const V slope = fma(x * x, V(6 * kScale * kCubic), V(2 * kScale));
    return g * fma(x * slope, s - s * s, s);
  }
};

/// x times a gate that rises from 0 at -3 to 1 at 3
struct Hardswish {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V>) {
    return x * min(max(fma(x, V(1.0 / 6), V(0.5)), V(0)), V(1));
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V>) {
    return g * select(x >= V(3), V(1), select(x > V(-3), fma(x, V(1.0 / 3), V(0.5)), V(0)));
  }
};

/// log(1 + e^(a x)) / a
struct Softplus {
  static constexpr Saved kSaved = Saved::input;
  template <class V>
  static LV_HOSTDEV V value(V x, Scalars<V> p) {
    return max(x, V(0)) + log1p(exp(-abs(x * p.a))) / p.a;
  }
  template <class V>
  static LV_HOSTDEV V gradient(V g, V x, Scalars<V> p) {
    return g * sigmoid(x * p.a);
  }
};

}  // namespace lv::kernels::cell

/// X(name, functor) for every function of one argument.
#define LV_UNARY_FUNCTIONS(X) \
  X(affine, Affine)           \
  X(divide_by, DivideBy)      \
  X(divide_into, DivideInto)  \
  X(square, Square)           \
  X(sqrt, Sqrt)               \
  X(rsqrt, Rsqrt)             \
  X(pow_scalar, Power)        \
  X(exp, Exp)                 \
  X(expm1, Expm1)             \
  X(log, Log)                 \
  X(log1p, Log1p)             \
  X(erf, Erf)                 \
  X(sin, Sin)                 \
  X(cos, Cos)                 \
  X(abs, Abs)                 \
  X(round, Round)             \
  X(floor, Floor)             \
  X(clamp, Clamp)             \
  X(relu, Relu)               \
  X(leaky_relu, LeakyRelu)    \
  X(sigmoid, Sigmoid)         \
  X(tanh, Tanh)               \
  X(silu, Silu)               \
  X(gelu, Gelu)               \
  X(gelu_tanh, GeluTanh)      \
  X(hardswish, Hardswish)     \
  X(softplus, Softplus)
