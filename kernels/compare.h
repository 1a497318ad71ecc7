#pragma once

#include <cstring>

#include "core/hostdev.h"
#include "kernels/dispatch.h"
#include "kernels/scalar.h"

namespace lv::kernels {

namespace cell {

#define LV_COMPARISON(Functor, expression)   \
  struct Functor {                           \
    template <class C>                       \
    static LV_HOSTDEV bool value(C a, C b) { \
      return expression;                     \
    }                                        \
  };
LV_COMPARISON(Equal, a == b)
LV_COMPARISON(NotEqual, a != b)
LV_COMPARISON(Less, a < b)
LV_COMPARISON(LessEqual, a <= b)
LV_COMPARISON(Greater, a > b)
LV_COMPARISON(GreaterEqual, a >= b)
LV_COMPARISON(Both, a != C(0) && b != C(0))
LV_COMPARISON(Either, a != C(0) || b != C(0))
#undef LV_COMPARISON

}  // namespace cell

/// X(name, functor) for every function of two arguments with a truth value.
#define LV_COMPARISONS(X) \
  X(eq, Equal)            \
  X(ne, NotEqual)         \
  X(lt, Less)             \
  X(le, LessEqual)        \
  X(gt, Greater)          \
  X(ge, GreaterEqual)     \
  X(logical_and, Both)    \
  X(logical_or, Either)

#define LV_ENUMERATOR(name, Functor) name,
#define LV_NAME(name, Functor) #name,
enum class Comparison : uint8_t { LV_COMPARISONS(LV_ENUMERATOR) };
inline constexpr std::string_view kComparisonNames[] = {LV_COMPARISONS(LV_NAME)};
#undef LV_ENUMERATOR
#undef LV_NAME

template <class Fn>
void visit_comparison(Comparison comparison, Fn&& fn) {
  switch (comparison) {
#define LV_CASE(name, Functor)               \
  case Comparison::name:                     \
    fn.template operator()<cell::Functor>(); \
    break;
    LV_COMPARISONS(LV_CASE)
#undef LV_CASE
  }
}

/// y = comparison(a, b) for arrays of one shape (already expanded) and one dtype of any kind, any layouts. y is bool.
/// Where b is absent, `scalar` stands for it.
struct CompareArgs {
  Comparison comparison;
  ConstTensorRef a;
  ConstTensorRef b;
  double scalar = 0;
  TensorRef y;
};

/// y = mask ? a : b for arrays of one shape (already expanded), any layouts; mask is bool, the others of one dtype of
/// any kind. An absent a or b is `fill`.
struct SelectArgs {
  ConstTensorRef mask;
  ConstTensorRef a;
  ConstTensorRef b;
  double fill = 0;
  TensorRef y;
};

LV_KERNEL(compare, CompareArgs)
LV_KERNEL(select, SelectArgs)

/// Calls `fn.template operator()<Word>()` with the unsigned type as wide as an element of `dtype`.
template <class Fn>
void visit_word(DType dtype, Fn&& fn) {
  switch (size_bytes(dtype)) {
    case 1:
      return fn.template operator()<uint8_t>();
    case 2:
      return fn.template operator()<uint16_t>();
    case 4:
      return fn.template operator()<uint32_t>();
    default:
      return fn.template operator()<uint64_t>();
  }
}

/// The bits of `value` converted to `dtype`.
template <class Word>
Word word_of(double value, DType dtype) {
  Word word{};
  visit_any(dtype, [&]<class T>() {
    if constexpr (sizeof(T) == sizeof(Word)) {
      const T element = convert<T>(value);
      std::memcpy(&word, &element, sizeof(Word));
    }
  });
  return word;
}

}  // namespace lv::kernels
