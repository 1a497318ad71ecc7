#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include "kernels/simd/level.h"

// Square tiles turned over in registers.

namespace lv::kernels::cpu::LV_ISA {

/// Elements along the side of a tile of W: what a vector holds, 16 at most (more rows than registers would not pay).
template <class W>
inline constexpr int kTile = simd::kVectorBytes / int(sizeof(W)) < 16 ? simd::kVectorBytes / int(sizeof(W)) : 16;

/// a[first], b[first], a[first + 1], b[first + 1], ...
template <int kFirst, class Row, int... kColumn>
Row interleave(Row a, Row b, std::integer_sequence<int, kColumn...>) {
  return __builtin_shufflevector(a, b, (kFirst + kColumn / 2 + kColumn % 2 * int(sizeof...(kColumn)))...);
}

/// y[j * y_step + i] = x[i * x_step + j] for i, j below kTile<W>.
template <class W>
void transpose_tile(const W* x, int64_t x_step, W* y, int64_t y_step) {
  constexpr int kSide = kTile<W>;
  using Row [[gnu::vector_size(kSide * sizeof(W))]] = W;
  constexpr auto columns = std::make_integer_sequence<int, kSide>{};
  Row rows[kSide];
  for (int i = 0; i < kSide; ++i) {
    std::memcpy(&rows[i], x + i * x_step, sizeof(Row));
  }
  // Interleaving row i with row i + side / 2 moves the highest bit of an element's row number to the lowest of its
  // column number, and all other bits up by one: after log2(side) rounds the two numbers have changed places.
  for (int round = 1; round < kSide; round *= 2) {
    Row mixed[kSide];
    for (int i = 0; i < kSide / 2; ++i) {
      mixed[2 * i] = interleave<0>(rows[i], rows[i + kSide / 2], columns);
      mixed[2 * i + 1] = interleave<kSide / 2>(rows[i], rows[i + kSide / 2], columns);
    }
    std::memcpy(rows, mixed, sizeof(rows));
  }
  for (int j = 0; j < kSide; ++j) {
    std::memcpy(y + j * y_step, &rows[j], sizeof(Row));
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
