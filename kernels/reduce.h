#pragma once

#include "kernels/dispatch.h"
#include "kernels/reduce.cell.h"

namespace lv::kernels {

#define LV_ENUMERATOR(name, Combination, Map) name,
enum class Reduction : uint8_t { LV_REDUCTIONS(LV_ENUMERATOR) };
#undef LV_ENUMERATOR

#define LV_ENUMERATOR(name, Functor) name,
enum class ReductionGradient : uint8_t { LV_REDUCTION_GRADIENTS(LV_ENUMERATOR) };
#undef LV_ENUMERATOR

/// Calls `fn.template operator()<Combination, Map>()`.
template <class Fn>
void visit_reduction(Reduction reduction, Fn&& fn) {
  switch (reduction) {
#define LV_CASE(name, Combination, Map)                     \
  case Reduction::name:                                     \
    fn.template operator()<cell::Combination, cell::Map>(); \
    break;
    LV_REDUCTIONS(LV_CASE)
#undef LV_CASE
  }
}

/// Calls `fn.template operator()<Functor>()`.
template <class Fn>
void visit_reduction_gradient(ReductionGradient gradient, Fn&& fn) {
  switch (gradient) {
#define LV_CASE(name, Functor)               \
  case ReductionGradient::name:              \
    fn.template operator()<cell::Functor>(); \
    break;
    LV_REDUCTION_GRADIENTS(LV_CASE)
#undef LV_CASE
  }
}

/// y = scale times the reduction of x over the axes where y has size 1 and x has not. x: a floating dtype; x and y have
/// one rank, any layouts. y is of x's dtype or of its ComputeType. `other`, where the reduction has a second array, is
/// expanded to x's shape, and of the ComputeType in differences, of x's dtype in products. Terms are combined in an
/// order fixed by the shapes. `workspace` has reduce_workspace(args) bytes of any dtype.
struct ReduceArgs {
  Reduction reduction = Reduction::sum;
  ConstTensorRef x = {};
  ConstTensorRef other = {};
  TensorRef y = {};
  double scale = 1;
  TensorRef workspace = {};
};

LV_KERNEL(reduce, ReduceArgs)

/// dx = the gradient by each element of x, from two values of its output. x, dx: one floating dtype; a, b: its
/// ComputeType; all of one shape (a and b already expanded), any layouts.
struct ReductionGradientArgs {
  ReductionGradient gradient;
  ConstTensorRef x;
  ConstTensorRef a;
  ConstTensorRef b;
  TensorRef dx;
};

LV_KERNEL(reduction_gradient, ReductionGradientArgs)

/// Bytes of workspace that the call needs, whatever the device; often 0.
int64_t reduce_workspace(const ReduceArgs& args);

}  // namespace lv::kernels
