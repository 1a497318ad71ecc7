#pragma once

#include "core/tensor.h"

namespace lv::test {

/// x * x, an op of the tests whose backward is a plain loop: it saves its input, and its second derivative goes through
/// its reference.
Tensor square(const Tensor& x);

/// The same with a derivative of 3 x.
Tensor square_with_wrong_backward(const Tensor& x);

}  // namespace lv::test
