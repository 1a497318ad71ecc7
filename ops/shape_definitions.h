#pragma once

#include "ops/op_struct.h"
#include "ops/shape.h"

// The op structs behind ops/shape.h; only their specs and their .cpp files include this.

namespace lv::ops {

LV_OP_STRUCT(Reshape, "reshape", CastPolicy::none, SecondOrder::composed,  //
             Shape shape;)
LV_OP_STRUCT(Permute, "permute", CastPolicy::none, SecondOrder::composed,  //
             Dims axes;)
LV_OP_STRUCT(Slice, "slice", CastPolicy::none, SecondOrder::composed,  //
             int axis = 0;
             int64_t begin = 0; int64_t end = kEnd; int64_t step = 1;)
/// Zeros of `shape` in which the slice holds the input.
LV_OP_STRUCT(SliceBackward, "slice_backward", CastPolicy::none, SecondOrder::composed,  //
             Shape shape;
             Slice::Options slice;)
LV_OP_STRUCT(Split, "split", CastPolicy::none, SecondOrder::composed,  //
             InlineVector<int64_t, 8> sizes;
             int axis = 0;)
LV_OP_STRUCT(Concat, "concat", CastPolicy::follow, SecondOrder::composed,  //
             int axis = 0;)
/// Reverses the axes whose bits are set.
LV_OP_STRUCT(Flip, "flip", CastPolicy::none, SecondOrder::composed,  //
             unsigned axes = 0;)
/// shifts: one for each axis of the input, in [0, size).
LV_OP_STRUCT(Roll, "roll", CastPolicy::none, SecondOrder::composed,  //
             Dims shifts;)

}  // namespace lv::ops
