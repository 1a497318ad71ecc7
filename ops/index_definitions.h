#pragma once

#include "kernels/gather.h"
#include "ops/index.h"
#include "ops/op_struct.h"

// The op structs behind ops/index.h; only their specs and .cpp files include this.

namespace lv::ops {

/// Inputs: x, index.
LV_OP_STRUCT(Gather, "gather", CastPolicy::none, SecondOrder::composed,  //
             int axis = 0;)
/// Inputs: x, index, src. x may be absent and then stands for zeros with `size` at the axis.
LV_OP_STRUCT(ScatterAdd, "scatter_add", CastPolicy::follow, SecondOrder::composed,  //
             int axis = 0;
             int64_t size = 0;)
/// Inputs: x, index. Where the index is `skip`, the result is 0. `is_ascending`: no index is smaller than the one
/// before.
LV_OP_STRUCT(IndexSelect, "index_select", CastPolicy::none, SecondOrder::composed,  //
             int axis = 0;
             int64_t skip = kernels::kNone; bool is_ascending = false;)
/// Inputs: x, index, src. x may be absent and then stands for zeros with `size` at the axis. Rows of index `skip` are
/// left out.
LV_OP_STRUCT(IndexAdd, "index_add", CastPolicy::follow, SecondOrder::composed,  //
             int axis = 0;
             int64_t size = 0; int64_t skip = kernels::kNone; bool is_ascending = false;)
/// Inputs: weight, index.
LV_OP_STRUCT(Embedding, "embedding", CastPolicy::none, SecondOrder::composed,  //
             int64_t padding_index = -1;)
/// Input: index.
LV_OP_STRUCT(OneHot, "one_hot", CastPolicy::none, SecondOrder::none,  //
             int64_t classes = 0;
             DType dtype = DType::f32;)

}  // namespace lv::ops
