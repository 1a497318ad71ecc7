#pragma once

#include "kernels/dispatch.h"
#include "kernels/hungarian.cell.h"

namespace lv::kernels {

/// One assignment problem for each b: as many rows as possible get a column each, with the least (or largest) sum of
/// scores. Dense arrays.
struct HungarianMatchArgs {
  ConstTensorRef scores;  // [B, K, N], f32 or f64; a pair whose score is not finite is forbidden
  ConstTensorRef rows;    // [B, K], bool: the rows that take part; absent: all
  TensorRef columns;      // [B, K], i64: of each row, or kNoColumn
  bool maximize = false;
};

LV_KERNEL(hungarian_match, HungarianMatchArgs)

}  // namespace lv::kernels
