#pragma once

#include "kernels/tensor_ref.h"

namespace lv::kernels {

/// y = the sum of `parts` over its first axis, in order. Both dense; y: f32 or bf16, of the size of one part.
struct SumPartsArgs {
  ConstTensorRef parts;  // [parts, ..], f32
  TensorRef y;
};

namespace cpu {
void sum_parts(const SumPartsArgs& args);
}  // namespace cpu

}  // namespace lv::kernels
