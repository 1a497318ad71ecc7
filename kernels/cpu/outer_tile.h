#pragma once

#include "kernels/cpu/product_math.h"

// The innermost loop of products that sum over pixels: weight gradients. Both operands are packed, a step of the depth
// is one pixel (or a pair of them), and the tile of sums is added to what earlier pixels gave.

namespace lv::kernels::cpu::LV_ISA {

/// Rows of a tile: from kMinOuterRows to kMaxOuterRows, so that few are wasted; columns: two vectors.
inline constexpr int kMaxOuterRows = simd::kVectorBytes == 64 ? 14 : 6;
inline constexpr int kMinOuterRows = kMaxOuterRows / 2 + 1;

/// The pixels of a chunk, the same for every tile: strips of lines. The left operand is dense,
/// [strips][lines][columns]; steps of the right one are in units.
struct PixelWalk {
  int64_t strips, lines, columns;
  int64_t strip_step, line_step, column_step;
};

/// c[row][column] (+)= sum over pixels of a[pixel][row] b[pixel][column]; the first `rows` rows are written.
template <class M, int kRows>
void add_outer_products(const typename M::Unit* a, const typename M::Unit* b, const PixelWalk& walk, bool accumulates,
                        int rows, typename M::Sum* c, int64_t c_step) {
  using Units = typename M::Units;
  using Sums = typename M::Sums;
  Sums sums[kRows][2];
#pragma GCC unroll 16
  for (auto& row : sums) {
    row[0] = row[1] = typename M::Sum(0);
  }
  for (int64_t strip = 0; strip < walk.strips; ++strip) {
    for (int64_t line = 0; line < walk.lines; ++line) {
      const auto* at = b + strip * walk.strip_step + line * walk.line_step;
      for (int64_t column = 0; column < walk.columns; ++column) {
        const Units left = simd::load(at);
        const Units right = simd::load(at + Units::kLanes);
#pragma GCC unroll 16
        for (int i = 0; i < kRows; ++i) {
          const Units factor(a[i]);
          sums[i][0] = M::multiply_add(factor, left, sums[i][0]);
          sums[i][1] = M::multiply_add(factor, right, sums[i][1]);
        }
        a += kRows;
        at += walk.column_step;
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    if (i < rows) {
      auto* row = c + i * c_step;
      if (accumulates) {
        sums[i][0] += simd::load(row);
        sums[i][1] += simd::load(row + Sums::kLanes);
      }
      simd::store(row, sums[i][0]);
      simd::store(row + Sums::kLanes, sums[i][1]);
    }
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
