#pragma once

#include "kernels/dispatch.h"
#include "kernels/elementwise.cell.h"

namespace lv::kernels {

#define LV_ENUMERATOR(name, Functor) name,
enum class BinaryFunction : uint8_t { LV_BINARY_FUNCTIONS(LV_ENUMERATOR) };
#undef LV_ENUMERATOR

/// Calls `fn.template operator()<Functor>()` for the functor of `function`.
template <class Fn>
void visit_function(BinaryFunction function, Fn&& fn) {
  switch (function) {
#define LV_CASE(name, Functor)         \
  case BinaryFunction::name:           \
    fn.template operator()<Functor>(); \
    break;
    LV_BINARY_FUNCTIONS(LV_CASE)
#undef LV_CASE
  }
}

/// y = function(a, b): one floating dtype, one shape (a and b already expanded), any layouts.
struct BinaryArgs {
  BinaryFunction function;
  ConstTensorRef a;
  ConstTensorRef b;
  TensorRef y;
};

LV_KERNEL(binary, BinaryArgs)

}  // namespace lv::kernels
