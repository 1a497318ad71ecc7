#pragma once

#include "kernels/dispatch.h"

namespace lv::kernels {

/// c = a b + bias for every matrix of a batch. One floating dtype; any strides in a and b (0 repeats a matrix), sums
/// kept in ComputeType, in an order fixed by the shapes.
struct GemmArgs {
  ConstTensorRef a;     // [B, M, K]
  ConstTensorRef b;     // [B, K, N]
  ConstTensorRef bias;  // [N], dense; may be absent
  TensorRef c;          // [B, M, N], dense
  TensorRef partials;   // [gemm_depth_parts(..), M, N], f32: workspace for B = 1 without bias; may be absent
};

/// Into how many parts the CPU cuts the depth of one product, so that a small result of a long sum keeps all threads
/// busy; 1 for most.
inline int64_t gemm_depth_parts(int64_t m, int64_t n, int64_t k, DType dtype) {
  constexpr int64_t kLongSum = 2048;
  constexpr int64_t kSmallSide = 256;
  if (dtype == DType::f64 || m * n > kSmallSide * kSmallSide) {
    return 1;
  }
  return std::clamp<int64_t>(k / kLongSum, 1, 8);
}

LV_KERNEL(gemm, GemmArgs)

namespace cpu {
/// The body of gemm that takes every dtype and layout.
void blocked_gemm(const GemmArgs& args);
}  // namespace cpu

}  // namespace lv::kernels
