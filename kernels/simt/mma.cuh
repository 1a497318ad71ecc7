#pragma once
// Matrix products of a warp on tensor cores.

#include "kernels/simt/dialect.h"

namespace lv::simt {

/// d = a * b + c for a: [16, 16] bf16 by rows, b: [16, 8] bf16 by columns, c and d: [16, 8] f32; all lanes of a warp
/// take part. With g = lane / 4 and q = lane % 4, and pairs of bf16 in one word, the first in its low half, a lane
/// holds
///   a = {A[g][2q, 2q+1], A[g+8][2q, 2q+1], A[g][2q+8, 2q+9], A[g+8][2q+8, 2q+9]}
///   b = {B[2q, 2q+1][g], B[2q+8, 2q+9][g]}
///   c = {C[g][2q], C[g][2q+1], C[g+8][2q], C[g+8][2q+1]}, and d alike.
LV_DEVICE void mma_m16n8k16_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], const float (&c)[4]) {
#if defined(__CUDACC__)
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
#else
  MmaOperand operand{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}, {c[0], c[1], c[2], c[3]}};
  meet(kMmaM16N8K16, ~0U, &operand, std::source_location::current());
  for (int i = 0; i < 4; ++i) {
    d[i] = operand.c[i];
  }
#endif
}

}  // namespace lv::simt
