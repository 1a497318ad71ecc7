#pragma once

#include <cstdint>
#include <limits>

#include "core/hostdev.h"

// Note [Shortest augmenting paths]
// Rows get their columns one after the other. A new row may take a free column at once, or take one whose row moves on
// to another column, and so on: the cheapest such path is found as in a search for shortest paths, whose distances stay
// non-negative thanks to a price for each column. Prices are 0 for free columns and fall where a column is contended.
// Each row also has a way out at a cost above that of any exchange of columns, taken only where there is no other way:
// so rows without a possible column, or in excess, are left over as cheaply as possible. Where there are as many rows
// as columns none stays free, and prices may start at anything: at each column's least cost the search is half as long.
// Should a row be left over after all, it starts again from 0. Sums of the three numbers
// cost, price and distance in float64 are all the arithmetic there is, and equal distances go to the first free column,
// or else to the first: the CPU and CUDA kernels give the same result to the bit.

namespace lv::kernels {

/// A row without a column.
inline constexpr int64_t kNoColumn = -1;

inline constexpr double kUnreachable = std::numeric_limits<double>::infinity();

/// The price of a pair of row and column in a search for the least sum: infinite if the pair is forbidden, which any
/// score that is not finite says.
template <class T>
LV_HOSTDEV T assignment_cost(T score, bool maximize) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  const bool is_finite = score > -kInfinity && score < kInfinity;
  return !is_finite ? kInfinity : maximize ? -score : score;
}

/// What leaving a row over costs: more than all that the others could lose by going other ways. `largest`: the largest
/// magnitude of a finite cost.
LV_HOSTDEV double left_over_cost(double largest, int64_t rows) {
  return largest == 0 ? 1.0 : 4.0 * largest * double(rows + 1);
}

/// A candidate for the search's next column: the nearest, of equally near ones a free one, of these the first.
struct NearestColumn {
  double distance;
  int64_t rank;  // the column, plus the number of columns when it is taken

  LV_HOSTDEV bool is_before(const NearestColumn& other) const {
    return distance < other.distance || (distance == other.distance && rank < other.rank);
  }
};

}  // namespace lv::kernels
