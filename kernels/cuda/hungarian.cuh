#pragma once

#include "kernels/hungarian.cell.h"
#include "kernels/simt/dialect.h"
#include "kernels/simt/reduce.cuh"

namespace lv::kernels::cuda {

// One block per problem, one thread per column or per several, threads apart: see Note [Shortest augmenting paths]. A
// thread alone reads and writes the distances of its columns; what the others need of a column stands in shared memory.

inline constexpr int kHungarianThreads = 128;

struct HungarianSizes {
  int64_t rows, columns;

  /// Bytes of dynamic shared memory: two doubles and three whole numbers a column, one a row.
  LV_HOSTDEV int64_t shared_bytes() const { return columns * 28 + rows * 4; }
};

struct Sooner {
  LV_HOSTDEV NearestColumn operator()(const NearestColumn& a, const NearestColumn& b) const {
    return b.is_before(a) ? b : a;
  }
};

/// The arrays of a block's problem, in shared memory.
struct HungarianState {
  double* price;
  double* distance;
  int* is_scanned;
  int* row_before;  // from which the search came to a column
  int* row_of;      // of a column; negative: free
  int* column_of;   // of a row; negative: none

  LV_HOSTDEV HungarianState(double* memory, HungarianSizes sizes)
      : price(memory),
        distance(price + sizes.columns),
        is_scanned(reinterpret_cast<int*>(distance + sizes.columns)),
        row_before(is_scanned + sizes.columns),
        row_of(row_before + sizes.columns),
        column_of(row_of + sizes.columns) {}

  /// Gives a column to the row from which the search came to it, that row's column to the one before, and so on.
  LV_DEVICE void move_along(int column, int start) const {
    int row = -1;
    while (row != start) {
      row = row_before[column];
      row_of[column] = row;
      const int left = column_of[row];
      column_of[row] = column;
      column = left;
    }
  }
};

/// Takes the ways from a row to the thread's columns into account and returns the nearest that is not yet scanned.
template <class T>
LV_DEVICE NearestColumn hungarian_reach(const HungarianState& state, const T* scores, bool maximize, int row,
                                        double lead, bool is_first, HungarianSizes sizes) {
  NearestColumn nearest{kUnreachable, 2 * sizes.columns};
  for (int64_t j = threadIdx.x; j < sizes.columns; j += kHungarianThreads) {
    if (is_first || state.is_scanned[j] == 0) {
      const double cost = assignment_cost(scores[row * sizes.columns + j], maximize);
      const double reached = (cost + lead) - state.price[j];
      if (is_first || reached < state.distance[j]) {
        state.distance[j] = reached;
        state.row_before[j] = row;
      }
      state.is_scanned[j] = 0;
      const NearestColumn candidate{state.distance[j], state.row_of[j] < 0 ? j : sizes.columns + j};
      nearest = Sooner()(nearest, candidate);
    }
  }
  return nearest;
}

/// Finds the shortest path from a new row and moves the rows along it; returns whether it led to a free column. Every
/// thread must call it.
template <class T>
LV_DEVICE bool hungarian_add_row(const HungarianState& state, const T* scores, bool maximize, int start,
                                 double left_over, HungarianSizes sizes) {
  int row = start;
  double lead = 0;
  double least_leaving = kUnreachable;
  int leaver = start;
  NearestColumn nearest{};
  bool leaves = false;
  bool is_found = false;
  for (bool is_first = true; !is_found && !leaves; is_first = false) {
    nearest = simt::block_reduce(hungarian_reach(state, scores, maximize, row, lead, is_first, sizes), Sooner());
    if (lead + left_over < least_leaving) {
      least_leaving = lead + left_over;
      leaver = row;
    }
    leaves = least_leaving < nearest.distance;
    is_found = nearest.rank < sizes.columns;
    if (!leaves && !is_found) {
      const int64_t column = nearest.rank - sizes.columns;
      if (column % kHungarianThreads == threadIdx.x) {
        state.is_scanned[column] = 1;
      }
      row = state.row_of[column];
      const double cost = assignment_cost(scores[row * sizes.columns + column], maximize);
      lead = nearest.distance - (cost - state.price[column]);
    }
  }
  const double length = leaves ? least_leaving : nearest.distance;
  __syncthreads();  // all have read the prices
  for (int64_t j = threadIdx.x; j < sizes.columns; j += kHungarianThreads) {
    if (state.is_scanned[j] != 0) {
      state.price[j] += state.distance[j] - length;
    }
  }
  if (threadIdx.x == 0 && !leaves) {
    state.move_along(int(nearest.rank), start);
  }
  if (threadIdx.x == 0 && leaves && leaver != start) {
    const int column = state.column_of[leaver];
    state.column_of[leaver] = -1;
    state.move_along(column, start);
  }
  __syncthreads();
  return is_found;
}

/// Gives all rows their columns, from 0 or from the least cost of each column on; returns whether no row was left over.
/// Every thread must call it.
template <class T>
LV_DEVICE bool hungarian_add_rows(const HungarianState& state, const T* scores, const bool* takes_part, bool maximize,
                                  bool from_least_costs, double left_over, HungarianSizes sizes) {
  for (int64_t j = threadIdx.x; j < sizes.columns; j += kHungarianThreads) {
    double least = kUnreachable;
    for (int64_t i = 0; from_least_costs && i < sizes.rows; ++i) {
      if (takes_part == nullptr || takes_part[i]) {
        const double cost = assignment_cost(scores[i * sizes.columns + j], maximize);
        least = cost < least ? cost : least;
      }
    }
    state.price[j] = least < kUnreachable ? least : 0.0;
    state.row_of[j] = -1;
  }
  for (int64_t i = threadIdx.x; i < sizes.rows; i += kHungarianThreads) {
    state.column_of[i] = -1;
  }
  bool is_complete = true;
  for (int i = 0; i < int(sizes.rows); ++i) {
    if (takes_part == nullptr || takes_part[i]) {
      is_complete = hungarian_add_row(state, scores, maximize, i, left_over, sizes) && is_complete;
    }
  }
  return is_complete;
}

template <class T>
__global__ void hungarian_match_kernel(const T* scores, const bool* takes_part, int64_t* columns, bool maximize,
                                       HungarianSizes sizes) {
  LV_DYN_SHARED(double, memory);
  const HungarianState state(memory, sizes);
  scores += blockIdx.x * sizes.rows * sizes.columns;
  takes_part = takes_part == nullptr ? nullptr : takes_part + blockIdx.x * sizes.rows;
  double largest = 0;
  int64_t rows = 0;
  for (int64_t i = 0; i < sizes.rows; ++i) {
    if (takes_part == nullptr || takes_part[i]) {
      ++rows;
      for (int64_t j = threadIdx.x; j < sizes.columns; j += kHungarianThreads) {
        const double cost = assignment_cost(scores[i * sizes.columns + j], false);
        const double magnitude = cost < 0 ? -cost : cost;
        largest = magnitude > largest && magnitude < kUnreachable ? magnitude : largest;
      }
    }
  }
  const double left_over = left_over_cost(simt::block_max(largest), rows);
  const bool is_square = rows == sizes.columns;
  if (!hungarian_add_rows(state, scores, takes_part, maximize, is_square, left_over, sizes) && is_square) {
    hungarian_add_rows(state, scores, takes_part, maximize, false, left_over, sizes);
  }
  for (int64_t i = threadIdx.x; i < sizes.rows; i += kHungarianThreads) {
    columns[blockIdx.x * sizes.rows + i] = state.column_of[i];
  }
}

}  // namespace lv::kernels::cuda
