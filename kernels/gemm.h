#pragma once

#include <optional>

#include "kernels/elementwise.h"

namespace lv::kernels {

/// c = activation(a b + bias) for every matrix of a batch. One floating dtype; any strides in a and b (0 repeats a
/// matrix), sums kept in ComputeType, in an order fixed by the shapes.
struct GemmArgs {
  ConstTensorRef a;     // [B, M, K]
  ConstTensorRef b;     // [B, K, N]
  ConstTensorRef bias;  // [N], dense; may be absent
  TensorRef c;          // [B, M, N], dense
  std::optional<UnaryFunction> activation;
  TensorRef before;  // as c: the results before the activation, where backward wants them; may be absent
};

LV_KERNEL(gemm, GemmArgs)

}  // namespace lv::kernels
