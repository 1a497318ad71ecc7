#pragma once

#include "core/generator.h"
#include "ops/op_struct.h"

namespace lv::ops {

/// x with each element set to 0 with probability `rate`, the others divided by 1 - rate; x itself for rate 0. The mask
/// follows from the key that this call claims from `generator` and from the element's index alone: it is the same on
/// every device and for any number of threads, and is not stored. x: floating. Differentiable any number of times.
/// Throws for rates outside [0, 1).
Tensor dropout(const Tensor& x, double rate, Generator& generator = default_generator());

/// The same for whole samples: one draw for each index of the first axis (stochastic depth).
Tensor drop_path(const Tensor& x, double rate, Generator& generator = default_generator());

LV_OP_STRUCT(Dropout, "dropout", CastPolicy::none, SecondOrder::composed, PhiloxKey key = {}; double rate = 0;
             bool is_per_sample = false;)

}  // namespace lv::ops
