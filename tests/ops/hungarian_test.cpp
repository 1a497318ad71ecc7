// Assignments against all of them where there are few, and against a certificate of optimality made from the result
// alone where there are many.

#include "ops/hungarian.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "tests/ops/devices.h"

using namespace lv;
using namespace lv::ops;

namespace {

constexpr double kForbidden = std::numeric_limits<double>::infinity();

/// One problem: costs [rows, columns], to be made as small as possible.
struct Problem {
  int64_t rows;
  int64_t columns;
  std::vector<double> costs;

  [[nodiscard]] double cost(int64_t i, int64_t j) const { return costs[size_t(i * columns + j)]; }
  [[nodiscard]] Tensor scores() const { return Tensor::from(costs, {1, rows, columns}); }
};

/// Multiples of 1 / 64 in [0, levels / 64), whose sums are exact: few levels make many ties.
Problem random_problem(int64_t rows, int64_t columns, int levels, double forbidden_share, unsigned seed) {
  std::mt19937 generator(seed);
  Problem problem{rows, columns, std::vector<double>(size_t(rows * columns))};
  for (double& cost : problem.costs) {
    cost = double(generator() % unsigned(levels)) / 64;
    cost = double(generator() % 1000) < 1000 * forbidden_share ? kForbidden : cost;
  }
  return problem;
}

/// Pairs made and their total cost; fewer pairs never win.
struct Value {
  int64_t pairs = 0;
  double total = 0;

  [[nodiscard]] bool is_better_than(const Value& other) const {
    return pairs > other.pairs || (pairs == other.pairs && total < other.total);
  }
};

/// The value of a result, which must be an assignment.
Value value_of(const Problem& problem, const std::vector<int64_t>& column_of) {
  std::vector<bool> is_taken(size_t(problem.columns));
  Value value;
  for (int64_t i = 0; i < problem.rows; ++i) {
    const int64_t j = column_of[size_t(i)];
    if (j >= 0) {
      REQUIRE(j < problem.columns);
      REQUIRE_FALSE(is_taken[size_t(j)]);
      REQUIRE(std::isfinite(problem.cost(i, j)));
      is_taken[size_t(j)] = true;
      ++value.pairs;
      value.total += problem.cost(i, j);
    } else {
      REQUIRE(j == -1);
    }
  }
  return value;
}

/// The best of all assignments of rows from `row` on.
Value best_of_all(const Problem& problem, int64_t row, std::vector<bool>& is_taken) {
  if (row == problem.rows) {
    return {};
  }
  Value best = best_of_all(problem, row + 1, is_taken);
  for (int64_t j = 0; j < problem.columns; ++j) {
    if (!is_taken[size_t(j)] && std::isfinite(problem.cost(row, j))) {
      is_taken[size_t(j)] = true;
      Value value = best_of_all(problem, row + 1, is_taken);
      is_taken[size_t(j)] = false;
      ++value.pairs;
      value.total += problem.cost(row, j);
      best = value.is_better_than(best) ? value : best;
    }
  }
  return best;
}

/// Whether prices u of rows and v of columns exist with u + v <= cost for all pairs, equal for those made, and v <= 0,
/// equal for free columns: then the pairs' total is the sum of all prices, and no complete assignment costs less.
/// Prices are lowered as far as they must be until nothing changes, which never ends where there is a circle to gain
/// from; so not after as many rounds as rows.
bool has_certificate(const Problem& problem, const std::vector<int64_t>& column_of) {
  std::vector<double> v(size_t(problem.columns), 0.0);
  std::vector<bool> is_free(size_t(problem.columns), true);
  for (const int64_t j : column_of) {
    is_free[size_t(j)] = false;
  }
  bool changes = true;
  for (int64_t round = 0; changes && round <= problem.rows; ++round) {
    changes = false;
    for (int64_t i = 0; i < problem.rows; ++i) {
      const int64_t own = column_of[size_t(i)];
      const double u = problem.cost(i, own) - v[size_t(own)];
      for (int64_t j = 0; j < problem.columns; ++j) {
        if (u + v[size_t(j)] > problem.cost(i, j)) {
          if (is_free[size_t(j)]) {
            return false;
          }
          v[size_t(j)] = problem.cost(i, j) - u;
          changes = true;
        }
      }
    }
  }
  return !changes;
}

std::vector<int64_t> match(const Problem& problem, Device device = Device::cpu()) {
  return hungarian_match(problem.scores().to(device)).to(Device::cpu()).to_vector<int64_t>();
}

}  // namespace

TEST_CASE("hungarian_match is as good as the best of all assignments") {
  for (const Device device : test::devices()) {
    unsigned seed = 0;
    for (const auto& [rows, columns] :
         std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {3, 3}, {4, 6}, {5, 5}, {6, 4}}) {
      for (const int levels : {1, 3, 4096}) {
        for (const double forbidden_share : {0.0, 0.3, 0.7}) {
          for (int repeat = 0; repeat < (device.is_cuda() ? 2 : 20); ++repeat) {
            const Problem problem = random_problem(rows, columns, levels, forbidden_share, ++seed);
            INFO(rows << " x " << columns << ", " << levels << " levels, seed " << seed << ", " << device.is_cuda());
            std::vector<bool> is_taken(static_cast<size_t>(columns));
            const Value best = best_of_all(problem, 0, is_taken);
            const Value ours = value_of(problem, match(problem, device));
            REQUIRE(ours.pairs == best.pairs);
            REQUIRE(ours.total == best.total);
          }
        }
      }
    }
  }
}

TEST_CASE("hungarian_match of large problems has a certificate of optimality") {
  struct Size {
    int64_t rows, columns;
    int levels;
  };
  for (const Size size : {Size{5, 128, 1 << 20},
                          {60, 128, 1 << 20},
                          {128, 128, 1 << 20},
                          {128, 128, 5},
                          {100, 257, 40},
                          {1024, 1024, 1 << 20}}) {
    INFO(size.rows << " x " << size.columns << ", " << size.levels << " levels");
    const Problem problem = random_problem(size.rows, size.columns, size.levels, 0, 7);
    std::vector<int64_t> column_of = match(problem);
    REQUIRE(value_of(problem, column_of).pairs == size.rows);
    REQUIRE(has_certificate(problem, column_of));
    if (size.levels > 1000) {
      std::swap(column_of[1], column_of[3]);
      REQUIRE_FALSE(has_certificate(problem, column_of));
    }
  }
}

TEST_CASE("hungarian_match gives the same columns on every device, ties included") {
  for (const Device device : test::devices()) {
    for (const int64_t columns : {23, 150}) {
      for (const int levels : {1, 2, 7}) {
        for (const double forbidden_share : {0.0, 0.6, 0.95}) {
          const Problem problem = random_problem(23, columns, levels, forbidden_share, 3);
          REQUIRE(match(problem, device) == match(problem));
        }
      }
    }
  }
}

TEST_CASE("hungarian_match gives equal rows the first columns in order") {
  const Problem problem = random_problem(20, 33, 1, 0, 1);
  std::vector<int64_t> in_order(20);
  std::iota(in_order.begin(), in_order.end(), 0);
  REQUIRE(match(problem) == in_order);
}

TEST_CASE("hungarian_match maximises, and forbids what is infinite of either sign or not a number") {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor scores = Tensor::from(std::vector<double>{9, 8, inf, 7, 1, -inf, NAN, inf, 2}, {1, 3, 3});
  REQUIRE(hungarian_match(scores, {}, {.maximize = true}).to_vector<int64_t>() == std::vector<int64_t>{1, 0, 2});
  REQUIRE(hungarian_match(scores).to_vector<int64_t>() == std::vector<int64_t>{0, 1, 2});
}

TEST_CASE("hungarian_match leaves out masked rows whatever is in them") {
  const Problem whole = random_problem(9, 12, 1 << 20, 0, 5);
  std::vector<double> padded = whole.costs;
  const std::vector<int64_t> left_out{0, 4, 8};
  Problem rest{6, 12, {}};
  const Tensor rows = Tensor::full({1, 9}, 1, DType::boolean);
  for (int64_t i = 0; i < 9; ++i) {
    const auto begin = whole.costs.begin() + i * 12;
    if (std::find(left_out.begin(), left_out.end(), i) == left_out.end()) {
      rest.costs.insert(rest.costs.end(), begin, begin + 12);
    } else {
      std::fill_n(padded.begin() + i * 12, 12, i == 4 ? NAN : -1e30);
      rows.data<bool>()[i] = false;
    }
  }
  const std::vector<int64_t> expected = match(rest);
  const std::vector<int64_t> found = hungarian_match(Tensor::from(padded, {1, 9, 12}), rows).to_vector<int64_t>();
  size_t next = 0;
  for (int64_t i = 0; i < 9; ++i) {
    const bool is_out = std::find(left_out.begin(), left_out.end(), i) != left_out.end();
    REQUIRE(found[size_t(i)] == (is_out ? -1 : expected[next++]));
  }
}

TEST_CASE("hungarian_match finds the assignment worked out for a small set of masks") {
  // Products of Dice and class similarity of three masks and four slots, of both kinds of sum.
  const std::vector<double> dice{0.202434, 0.422511, 0.279767, 0.278822, 0.261105, 0.135141,
                                 0.286359, 0.159270, 0.367268, 0.267308, 0.298012, 0.358836};
  const std::vector<double> classes{0.070769, 0.439892, 0.248007, 0.134085, 0.137839, 0.083085,
                                    0.483052, 0.261163, 0.268475, 0.161827, 0.091237, 0.508675};
  for (const bool is_product : {true, false}) {
    Problem problem{3, 4, {}};
    for (size_t k = 0; k < dice.size(); ++k) {
      problem.costs.push_back(is_product ? dice[k] * classes[k] : dice[k] + classes[k]);
    }
    const std::vector<int64_t> found =
        hungarian_match(problem.scores().to(DType::f32), {}, {.maximize = true}).to_vector<int64_t>();
    REQUIRE(found == std::vector<int64_t>{1, 2, 3});
    REQUIRE(value_of(problem, found).total == Approx(is_product ? 0.506717 : 2.499325).margin(2e-6));
  }
}
