#pragma once

#include <limits>

#include "kernels/cpu/product_math.h"

// The innermost loop of convolutions and matrix products: a tile of sums in registers, two vectors wide.

namespace lv::kernels::cpu::LV_ISA {

/// Columns of a tile, and of the panels in which the right operand is packed.
template <class M>
inline constexpr int kTileColumns = 2 * M::Sums::kLanes;

/// Rows of a tile come in two runs of equally spaced ones, of this length at most: their sums, two vectors of the right
/// operand and one broadcast fill the registers.
inline constexpr int kMaxRun = simd::kVectorBytes == 64 ? 7 : 3;

/// A run of rows: where the left operand and the result begin, and how many rows of the result exist.
template <class M, class T>
struct RowRun {
  const typename M::Unit* a;
  T* c;
  int rows;
  const T* addend = nullptr;  // spaced as c, added to the product
};

/// What the tiles of one panel share.
template <class M>
struct TilePanel {
  const typename M::Unit* b;    // [taps][depth][kTileColumns]
  const typename M::Sum* bias;  // [kTileColumns]
  const int64_t* taps;          // where the left operand of each tap begins, less the run's
  int64_t tap_count, depth;     // depth: units of a tap
  int64_t a_step, c_step;       // between rows of a run
  int columns;                  // that exist, of kTileColumns
  typename M::Sum least = -std::numeric_limits<typename M::Sum>::infinity();  // results below are raised to it
};

/// Sums of one run's rows, in registers; of the first vector alone where a panel has no more columns.
template <class M, int kRun, int kVectors>
struct RunSums {
  using Sums = typename M::Sums;
  using Units = typename M::Units;
  Sums at[kRun][kVectors];

  void add(int i, typename M::Unit a, Units left, Units right) {
    const Units factor(a);
    at[i][0] = M::multiply_add(factor, left, at[i][0]);
    if constexpr (kVectors == 2) {
      at[i][1] = M::multiply_add(factor, right, at[i][1]);
    }
  }
  /// One step of the depth; rows are addressed by few registers, which a loop over i would not do.
  void add_column(const typename M::Unit* a, int64_t step, int64_t step3, int64_t step5, Units left, Units right) {
    add(0, a[0], left, right);
    if constexpr (kRun > 1) {
      add(1, a[step], left, right);
    }
    if constexpr (kRun > 2) {
      add(2, a[2 * step], left, right);
    }
    if constexpr (kRun > 3) {
      add(3, a[step3], left, right);
    }
    if constexpr (kRun > 4) {
      add(4, a[4 * step], left, right);
    }
    if constexpr (kRun > 5) {
      add(5, a[step5], left, right);
    }
    if constexpr (kRun > 6) {
      add(6, a[2 * step3], left, right);
    }
  }
  template <class T>
  void add_rows(const T* addend, int64_t step, int rows, int columns) {
    constexpr int kLanes = Sums::kLanes;
#pragma GCC unroll 8
    for (int i = 0; i < kRun; ++i) {
      if (i < rows) {
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; ++j) {
          const T* from = addend + i * step + j * kLanes;
          const int64_t count = columns - j * kLanes;
          at[i][j] = at[i][j] + (count >= kLanes ? simd::load(from) : simd::load(from, std::max<int64_t>(count, 0)));
        }
      }
    }
  }
  template <class T>
  void store(const RowRun<M, T>& run, const TilePanel<M>& panel) const {
    constexpr int kLanes = Sums::kLanes;
    const Sums least = panel.least;
#pragma GCC unroll 8
    for (int i = 0; i < kRun; ++i) {
      if (i < run.rows) {
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; ++j) {
          M::store(run.c + i * panel.c_step + j * kLanes, fast_max(least, at[i][j]), panel.columns - j * kLanes);
        }
      }
    }
  }
};

/// Asks for the lines of memory that a run's addend lies on, to come while its product is computed.
template <class M, int kVectors, class T>
void prefetch_addend(const RowRun<M, T>& run, int64_t step) {
  constexpr int64_t kElements = 64 / sizeof(T);  // of a line
  for (int i = 0; i < run.rows; ++i) {
    for (int64_t j = 0; j < kVectors * M::Sums::kLanes; j += kElements) {
      __builtin_prefetch(run.addend + i * step + j);
    }
  }
}

/// c[row][column] = bias[column] + sum over taps and depth of a[row + tap][depth] b[tap][depth][column] for two runs
/// and kVectors vectors of columns, plus the runs' addends.
template <class M, int kRun, int kVectors, class T>
void multiply_tile(const RowRun<M, T>& upper, const RowRun<M, T>& lower, const TilePanel<M>& panel) {
  using Units = typename M::Units;
  using Sums = typename M::Sums;
  RunSums<M, kRun, kVectors> high;
  RunSums<M, kRun, kVectors> low;
  const Sums bias[2] = {simd::load(panel.bias), simd::load(panel.bias + Sums::kLanes)};
#pragma GCC unroll 8
  for (int i = 0; i < kRun; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      high.at[i][j] = low.at[i][j] = bias[j];
    }
  }
  if (upper.addend != nullptr) {
    prefetch_addend<M, kVectors>(upper, panel.c_step);
    prefetch_addend<M, kVectors>(lower, panel.c_step);
  }
  const int64_t step = panel.a_step;
  const int64_t step3 = 3 * step;
  const int64_t step5 = 5 * step;
  const auto* b = panel.b;
  for (int64_t tap = 0; tap < panel.tap_count; ++tap) {
    const auto* a0 = upper.a + panel.taps[tap];
    const auto* a1 = lower.a + panel.taps[tap];
    for (int64_t k = 0; k < panel.depth; ++k, ++a0, ++a1, b += kTileColumns<M>) {
      const Units left = simd::load(b);
      const Units right = kVectors == 2 ? simd::load(b + Units::kLanes) : left;
      high.add_column(a0, step, step3, step5, left, right);
      low.add_column(a1, step, step3, step5, left, right);
    }
  }
  if (upper.addend != nullptr) {
    high.add_rows(upper.addend, panel.c_step, upper.rows, panel.columns);
    low.add_rows(lower.addend, panel.c_step, lower.rows, panel.columns);
  }
  high.store(upper, panel);
  low.store(lower, panel);
}

}  // namespace lv::kernels::cpu::LV_ISA
