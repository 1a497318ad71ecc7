#pragma once

#include "ops/op_struct.h"
#include "ops/softmax.h"

// The op structs behind ops/softmax.h, for specs.

namespace lv::ops {

LV_OP_STRUCT(Softmax, "softmax", CastPolicy::full, SecondOrder::composed, int axis = -1;)
LV_OP_STRUCT(LogSoftmax, "log_softmax", CastPolicy::full, SecondOrder::composed, int axis = -1;)

}  // namespace lv::ops
