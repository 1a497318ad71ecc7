#include "kernels/hungarian.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/scratch.h"
#include "kernels/simd/loop.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

using Doubles = simd::Vec<double>;
using Integers = simd::Vec<int64_t>;

struct CostsTag;
struct NumbersTag;
struct PlacesTag;

/// Calls body(column, costs) for a row's costs, a vector of doubles at a time; n is a multiple of two.
template <class T, class Body>
void for_each_cost(const T* row, int64_t n, Body&& body) {
  for (int64_t j = 0; j < n; j += 2 * Doubles::kLanes) {
    if constexpr (std::is_same_v<T, float>) {
      const simd::Doubles costs = widen(simd::load(row + j));
      body(j, costs.low);
      body(j + Doubles::kLanes, costs.high);
    } else {
      body(j, simd::load(row + j));
      body(j + Doubles::kLanes, simd::load(row + j + Doubles::kLanes));
    }
  }
}

/// The smallest lane; none is NaN.
double least(Doubles v) {
  double value = v[0];
  for (int lane = 1; lane < Doubles::kLanes; ++lane) {
    value = std::min(value, v[lane]);
  }
  return value;
}

/// Solves one problem after the other; see Note [Shortest augmenting paths]. Arrays over columns are padded to whole
/// vectors with columns that are infinitely far from every row.
template <class T>
class Assignment {
 public:
  Assignment(int64_t rows, int64_t columns)
      : rows_(rows), columns_(columns), stride_((columns + kLanes - 1) / kLanes * kLanes) {
    costs_ = thread_scratch<CostsTag, T>(size_t(rows * stride_));
    auto* numbers = thread_scratch<NumbersTag, double>(size_t(6 * stride_));
    price_ = numbers;
    open_price_ = numbers + stride_;
    distance_ = numbers + 2 * stride_;
    scanned_distance_ = numbers + 3 * stride_;
    rank_ = numbers + 4 * stride_;
    own_cost_ = numbers + 5 * stride_;
    auto* places = thread_scratch<PlacesTag, int64_t>(size_t(3 * stride_));
    row_before_ = places;
    row_of_ = places + stride_;
    scanned_ = places + 2 * stride_;
  }

  /// scores: [rows, columns]; takes_part: [rows] or null; column_of: [rows], the result.
  void solve(const T* scores, const bool* takes_part, bool maximize, int64_t* column_of) {
    column_of_ = column_of;
    takes_part_ = takes_part;
    double largest = 0;
    int64_t rows = 0;
    for_each_row([&](int64_t i) {
      largest = std::max(largest, double(take_costs(scores + i * columns_, maximize, costs_ + i * stride_)));
      ++rows;
    });
    left_over_cost_ = left_over_cost(largest, rows);
    std::fill_n(price_, stride_, 0.0);
    if (rows != columns_) {
      add_rows();
      return;
    }
    start_from_least_costs();
    if (!add_rows()) {
      std::fill_n(price_, stride_, 0.0);
      add_rows();
    }
  }

 private:
  static constexpr int64_t kLanes = 2 * Doubles::kLanes;

  template <class Fn>
  void for_each_row(Fn&& fn) const {
    for (int64_t i = 0; i < rows_; ++i) {
      if (takes_part_ == nullptr || takes_part_[i]) {
        fn(i);
      }
    }
  }

  /// Copies a row as costs and returns the largest magnitude of the finite ones.
  T take_costs(const T* scores, bool maximize, T* costs) const {
    using V = simd::Vec<T>;
    const V infinity = std::numeric_limits<T>::infinity();
    const V sign = maximize ? T(-1) : T(1);
    V largest = T(0);
    simd::for_each_vec<T>(columns_, [&](int64_t j, auto lanes) {
      const V score = lanes.load(scores + j);
      const auto is_finite = abs(score) < infinity;
      largest = max(largest, select(is_finite, abs(score), V(T(0))));
      lanes.store(costs + j, select(is_finite, score * sign, infinity));
    });
    std::fill(costs + columns_, costs + stride_, std::numeric_limits<T>::infinity());
    return simd::max(largest);
  }

  /// The price of each column: the least of its costs.
  void start_from_least_costs() {
    std::fill_n(distance_, stride_, kUnreachable);
    for_each_row([&](int64_t i) {
      for_each_cost(costs_ + i * stride_, stride_, [&](int64_t j, Doubles costs) {
        simd::store(distance_ + j, fast_min(costs, simd::load(distance_ + j)));
      });
    });
    for (int64_t j = 0; j < stride_; ++j) {
      price_[j] = distance_[j] < kUnreachable ? distance_[j] : 0.0;
    }
  }

  /// Gives all rows their columns, from the prices on; returns whether no row was left over.
  bool add_rows() {
    std::fill_n(column_of_, rows_, kNoColumn);
    for (int64_t j = 0; j < stride_; ++j) {
      rank_[j] = double(j);
    }
    bool is_complete = true;
    for_each_row([&](int64_t i) { is_complete = add_row(i) && is_complete; });
    return is_complete;
  }

  /// Finds the shortest path from a new row and moves the rows along it; returns whether it led to a free column.
  bool add_row(int64_t start) {
    int64_t scanned = 0;
    int64_t row = start;
    double lead = 0;  // of the row: its distance less the price that its own column is worth to it
    double least_leaving = kUnreachable;
    int64_t leaver = start;
    double best = reach_from<true>(row, lead);
    while (true) {
      if (lead + left_over_cost_ < least_leaving) {
        least_leaving = lead + left_over_cost_;
        leaver = row;
      }
      if (least_leaving < best) {
        pay(scanned, least_leaving);
        leave(leaver, start);
        return false;
      }
      const int64_t column = nearest_at(best);
      if (rank_[column] < double(stride_)) {
        pay(scanned, best);
        rank_[column] += double(stride_);
        move_along(column, start);
        return true;
      }
      scanned_[scanned] = column;
      scanned_distance_[scanned] = best;
      ++scanned;
      distance_[column] = kUnreachable;
      open_price_[column] = -kUnreachable;
      row = row_of_[column];
      lead = best - (own_cost_[column] - price_[column]);
      best = reach_from<false>(row, lead);
    }
  }

  /// Takes the ways from a row to all columns into account and returns the distance of the nearest open column. A
  /// column that was scanned stays infinitely far, its open price being minus infinity.
  template <bool kIsFirst>
  double reach_from(int64_t row, double lead) {
    const Integers this_row = row;
    Doubles best = kUnreachable;
    for_each_cost(costs_ + row * stride_, stride_, [&](int64_t j, Doubles costs) {
      const Doubles price = simd::load((kIsFirst ? price_ : open_price_) + j);
      const Doubles reached = (costs + lead) - price;
      if constexpr (kIsFirst) {
        simd::store(open_price_ + j, price);
        simd::store(distance_ + j, reached);
        simd::store(row_before_ + j, this_row);
        best = fast_min(best, reached);
      } else {
        const Doubles before = simd::load(distance_ + j);
        const auto is_closer = reached < before;
        const Doubles now = select(is_closer, reached, before);
        simd::store(distance_ + j, now);
        simd::store(row_before_ + j, select(is_closer, this_row, simd::load(row_before_ + j)));
        best = fast_min(best, now);
      }
    });
    return least(best);
  }

  /// The first free column at a distance, or else the first.
  [[nodiscard]] int64_t nearest_at(double distance) const {
    const Doubles at = distance;
    Doubles first = kUnreachable;
    Doubles second = kUnreachable;
    for (int64_t j = 0; j < stride_; j += kLanes) {
      const int64_t next = j + Doubles::kLanes;
      first = fast_min(first, select(simd::load(distance_ + j) == at, simd::load(rank_ + j), Doubles(kUnreachable)));
      second =
          fast_min(second, select(simd::load(distance_ + next) == at, simd::load(rank_ + next), Doubles(kUnreachable)));
    }
    const auto rank = int64_t(least(fast_min(first, second)));
    return rank < stride_ ? rank : rank - stride_;
  }

  /// Lowers the prices of the scanned columns by what they were nearer than the path's end.
  void pay(int64_t scanned, double length) {
    for (int64_t k = 0; k < scanned; ++k) {
      price_[scanned_[k]] += scanned_distance_[k] - length;
    }
  }

  /// Gives a column to the row from which the search came to it, that row's column to the one before, and so on.
  void move_along(int64_t column, int64_t start) {
    int64_t row = kNoColumn;
    while (row != start) {
      row = row_before_[column];
      row_of_[column] = row;
      own_cost_[column] = double(costs_[row * stride_ + column]);
      std::swap(column_of_[row], column);
    }
  }

  void leave(int64_t leaver, int64_t start) {
    if (leaver != start) {
      move_along(std::exchange(column_of_[leaver], kNoColumn), start);
    }
  }

  int64_t rows_;
  int64_t columns_;
  int64_t stride_;
  double left_over_cost_ = 0;
  T* costs_;                  // [rows, stride]
  double* price_;             // [stride], as all that follow
  double* open_price_;        // minus infinity where scanned
  double* distance_;          // infinity where scanned
  double* scanned_distance_;  // in the order of scanning
  double* rank_;              // see NearestColumn
  double* own_cost_;          // of taken columns and their rows
  int64_t* row_before_;       // from which the search came to a column
  int64_t* row_of_;           // of taken columns
  int64_t* scanned_;
  int64_t* column_of_ = nullptr;  // [rows]
  const bool* takes_part_ = nullptr;
};

template <class T>
void match(const HungarianMatchArgs& args) {
  const int64_t rows = args.scores.size(1);
  const int64_t columns = args.scores.size(2);
  const int64_t grain = std::max<int64_t>(1, 8192 / std::max<int64_t>(1, rows * columns));
  parallel_for(args.scores.size(0), grain, [&](int64_t begin, int64_t end) {
    Assignment<T> assignment(rows, columns);
    for (int64_t b = begin; b < end; ++b) {
      assignment.solve(args.scores.as<T>() + b * rows * columns,
                       args.rows.defined() ? args.rows.as<bool>() + b * rows : nullptr, args.maximize,
                       args.columns.as<int64_t>() + b * rows);
    }
  });
}

}  // namespace

void hungarian_match(const HungarianMatchArgs& args) {
  args.scores.dtype == DType::f64 ? match<double>(args) : match<float>(args);
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(hungarian_match, HungarianMatchArgs)
