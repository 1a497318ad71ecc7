#pragma once

#include "kernels/binary.cell.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.cell.h"

namespace lv::kernels {

#define LV_ENUMERATOR(name, Functor) name,
#define LV_NAME(name, Functor) #name,
#define LV_CASE(Enum, name, Functor)         \
  case Enum::name:                           \
    fn.template operator()<cell::Functor>(); \
    break;

enum class UnaryFunction : uint8_t { LV_UNARY_FUNCTIONS(LV_ENUMERATOR) };
enum class BinaryFunction : uint8_t { LV_BINARY_FUNCTIONS(LV_ENUMERATOR) };
enum class TernaryFunction : uint8_t { LV_TERNARY_FUNCTIONS(LV_ENUMERATOR) };

inline constexpr std::string_view kUnaryNames[] = {LV_UNARY_FUNCTIONS(LV_NAME)};
inline constexpr std::string_view kBinaryNames[] = {LV_BINARY_FUNCTIONS(LV_NAME)};

/// Calls `fn.template operator()<Functor>()` for the functor of `function`.
template <class Fn>
void visit_function(UnaryFunction function, Fn&& fn) {
  switch (function) {
#define LV_UNARY_CASE(name, Functor) LV_CASE(UnaryFunction, name, Functor)
    LV_UNARY_FUNCTIONS(LV_UNARY_CASE)
#undef LV_UNARY_CASE
  }
}
template <class Fn>
void visit_function(BinaryFunction function, Fn&& fn) {
  switch (function) {
#define LV_BINARY_CASE(name, Functor) LV_CASE(BinaryFunction, name, Functor)
    LV_BINARY_FUNCTIONS(LV_BINARY_CASE)
#undef LV_BINARY_CASE
  }
}
template <class Fn>
void visit_function(TernaryFunction function, Fn&& fn) {
  switch (function) {
#define LV_TERNARY_CASE(name, Functor) LV_CASE(TernaryFunction, name, Functor)
    LV_TERNARY_FUNCTIONS(LV_TERNARY_CASE)
#undef LV_TERNARY_CASE
  }
}

#undef LV_ENUMERATOR
#undef LV_NAME
#undef LV_CASE

// One floating dtype and one shape (inputs already expanded) a call; any layouts.

/// y = function(x; scalars)
struct UnaryArgs {
  UnaryFunction function;
  Scalars<double> scalars;
  ConstTensorRef x;
  TensorRef y;
};

/// dx = grad times the derivative of function, written with what the function saves (its kSaved).
struct UnaryGradientArgs {
  UnaryFunction function;
  Scalars<double> scalars;
  ConstTensorRef grad;
  ConstTensorRef saved;
  TensorRef dx;
};

/// y = function(a, b)
struct BinaryArgs {
  BinaryFunction function;
  ConstTensorRef a;
  ConstTensorRef b;
  TensorRef y;
};

/// y = function(a, b, c)
struct TernaryArgs {
  TernaryFunction function;
  ConstTensorRef a;
  ConstTensorRef b;
  ConstTensorRef c;
  TensorRef y;
};

LV_KERNEL(unary, UnaryArgs)
LV_KERNEL(unary_gradient, UnaryGradientArgs)
LV_KERNEL(binary, BinaryArgs)
LV_KERNEL(ternary, TernaryArgs)

}  // namespace lv::kernels
