#pragma once

#include "ops/op_struct.h"
#include "ops/sort.h"

// The op structs behind ops/sort.h; only their specs and their .cpp file include this. Both work on the last axis and
// give values and indices.

namespace lv::ops {

LV_OP_STRUCT(Sort, "sort", CastPolicy::none, SecondOrder::composed,  //
             bool descending = false;)
LV_OP_STRUCT(TopK, "topk", CastPolicy::none, SecondOrder::composed,  //
             int64_t k = 1;
             bool largest = true;)

}  // namespace lv::ops
