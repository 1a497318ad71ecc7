#pragma once

#include "core/hostdev.h"
#include "kernels/dispatch.h"

namespace lv::kernels {

/// Whether `value` takes the place of `best` in a search from the front: NaN beats every number, equals do not.
template <class C>
LV_HOSTDEV bool replaces_best(C value, C best, bool is_largest) {
  return best == best && (value != value || (is_largest ? value > best : value < best));
}

/// index = place along `axis` of the largest (or smallest) element. x: floating, any layout; index: i64, x's shape with
/// size 1 along the axis. The axis is not empty.
struct ArgReduceArgs {
  ConstTensorRef x;
  TensorRef index;
  int axis = 0;
  bool is_largest = true;
};

/// y = running sums of x along `axis`, from the end with is_reverse. One floating dtype and shape, any layouts.
struct CumsumArgs {
  ConstTensorRef x;
  TensorRef y;
  int axis = 0;
  bool is_reverse = false;
};

LV_KERNEL(arg_reduce, ArgReduceArgs)
LV_KERNEL(cumsum, CumsumArgs)

}  // namespace lv::kernels
