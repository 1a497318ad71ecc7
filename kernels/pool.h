#pragma once

#include "kernels/dispatch.h"
#include "kernels/pool.cell.h"

// Pooling over the middle axes of dense [N, H, W, C] arrays of one floating dtype.

namespace lv::kernels {

struct MaxPoolArgs {
  ConstTensorRef x;  // [N, H, W, C]
  TensorRef y;       // [N, OH, OW, C]
  TensorRef index;   // as y, u8 or i32: position of the maximum in its window; may be absent
  PoolAxis height;
  PoolAxis width;
};

/// dx = gradient of the cells that were maxima: a gather over the windows that cover each cell.
struct MaxPoolBackwardArgs {
  ConstTensorRef grad;   // [N, OH, OW, C]
  ConstTensorRef index;  // as grad
  TensorRef dx;          // [N, H, W, C]
  PoolAxis height;
  PoolAxis width;
};

struct AvgPoolArgs {
  ConstTensorRef x;  // [N, H, W, C]
  TensorRef y;       // [N, OH, OW, C]
  PoolAxis height;
  PoolAxis width;
  PoolDivisor divisor;
};

struct AvgPoolBackwardArgs {
  ConstTensorRef grad;  // [N, OH, OW, C]
  TensorRef dx;         // [N, H, W, C]
  PoolAxis height;
  PoolAxis width;
  PoolDivisor divisor;
};

LV_KERNEL(max_pool, MaxPoolArgs)
LV_KERNEL(max_pool_backward, MaxPoolBackwardArgs)
LV_KERNEL(avg_pool, AvgPoolArgs)
LV_KERNEL(avg_pool_backward, AvgPoolBackwardArgs)

/// Calls `fn.template operator()<Index>()` for the element type of a max pool's index.
template <class Fn>
void visit_pool_index(DType dtype, Fn&& fn) {
  if (dtype == DType::u8) {
    fn.template operator()<uint8_t>();
  } else {
    fn.template operator()<int32_t>();
  }
}

}  // namespace lv::kernels
