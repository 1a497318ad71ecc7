#pragma once

#include "kernels/dispatch.h"
#include "kernels/elastic.cell.h"

// Halving and doubling of height and width for a branch at half resolution. Dense [N, H, W, C] arrays of one floating
// dtype; h = ceil(H / 2), w = ceil(W / 2).

namespace lv::kernels {

struct ElasticDownArgs {
  ConstTensorRef x;  // [N, H, W, C]
  TensorRef y;       // [N, h, w, C]
};

struct ElasticDownBackwardArgs {
  ConstTensorRef grad;  // [N, h, w, C]
  TensorRef dx;         // [N, H, W, C]
};

/// y = full + the doubled `small`, cropped; then y * scale + shift where these are given, then max(y, 0) with `relu`.
struct ElasticUpAddArgs {
  ConstTensorRef small;  // [N, h, w, C]
  ConstTensorRef full;   // [N, H, W, C]
  ConstTensorRef scale;  // [C], f32 (f64 for f64 arrays), or absent with `shift`
  ConstTensorRef shift;  // as scale
  TensorRef y;           // [N, H, W, C]
  bool is_nearest = false;
  bool relu = false;
};

/// The gradient of `small`: a gather over the outputs that each cell reaches.
struct ElasticUpBackwardArgs {
  ConstTensorRef grad;  // [N, H, W, C]
  TensorRef dsmall;     // [N, h, w, C]
  bool is_nearest = false;
};

LV_KERNEL(elastic_down, ElasticDownArgs)
LV_KERNEL(elastic_down_backward, ElasticDownBackwardArgs)
LV_KERNEL(elastic_up_add, ElasticUpAddArgs)
LV_KERNEL(elastic_up_backward, ElasticUpBackwardArgs)

}  // namespace lv::kernels
