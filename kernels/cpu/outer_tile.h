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

/// Where a tile of results goes: the rows and columns of it that exist.
template <class Out>
struct OuterTile {
  Out* data;
  int64_t step;  // between rows
  int rows;
  int64_t columns;
};

/// c[row][column] (+)= sum over pixels of a[pixel][row] b[pixel][column]; Out is Sum where results are added to.
template <class M, int kRows, class Out>
void add_outer_products(const typename M::Unit* a, const typename M::Unit* b, const PixelWalk& walk, bool accumulates,
                        const OuterTile<Out>& c) {
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
  constexpr int64_t kLanes = Sums::kLanes;
  const int64_t left = std::min(kLanes, c.columns);
  const int64_t right = std::max<int64_t>(c.columns - kLanes, 0);
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    if (i < c.rows) {
      Out* row = c.data + i * c.step;
      if constexpr (std::is_same_v<Out, typename M::Sum>) {
        if (accumulates) {
          sums[i][0] += simd::load(row, left);
          sums[i][1] += simd::load(row + kLanes, right);
        }
      }
      M::store(row, sums[i][0], left);
      M::store(row + kLanes, sums[i][1], right);
    }
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
