#pragma once

#include "autograd/basic_ops.h"

namespace lv::ops {

using autograd::cast;
using autograd::contiguous;
using autograd::expand;
using autograd::sum_to;

}  // namespace lv::ops
