#include "ops/hungarian.h"

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/hungarian.h"

namespace lv::ops {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;
using autograd::unpack;

OutputSpecs HungarianMatch::infer(Inputs in, const Options&) {
  const auto& [scores, rows] = unpack<2>(in);
  LV_CHECK_SHAPE(scores.rank() == 3, "{}: scores must be [B, K, N], got {}", kName, scores.shape());
  LV_CHECK_DTYPE(scores.dtype() == DType::f32 || scores.dtype() == DType::f64, "{}: scores must be f32 or f64, got {}",
                 kName, scores.dtype());
  const Shape wanted{scores.size(0), scores.size(1)};
  if (rows.defined()) {
    LV_CHECK_SHAPE(rows.shape() == wanted, "{}: rows must be [B, K] = {}, got {} (scores {})", kName, wanted,
                   rows.shape(), scores.shape());
    LV_CHECK_DTYPE(rows.dtype() == DType::boolean, "{}: rows must be bool, got {}", kName, rows.dtype());
  }
  return {{wanted, DType::i64}};
}

TensorList HungarianMatch::forward(Context& ctx, Inputs in, const Options& options) {
  const auto& [given_scores, given_rows] = unpack<2>(in);
  const Tensor scores = ctx.dense(given_scores);
  const Tensor rows = given_rows.defined() ? ctx.dense(given_rows) : given_rows;
  const Tensor columns = ctx.new_output();
  kernels::hungarian_match({.scores = kernels::cref(scores),
                            .rows = kernels::cref(rows),
                            .columns = kernels::ref(columns),
                            .maximize = options.maximize},
                           ctx.stream());
  return {columns};
}

TensorList HungarianMatch::backward(Context&, Inputs, const Options&) { return TensorList(2); }

namespace {

/// Least cost flow from rows to columns, grown by the cheapest path among all rows that are left at a time; paths are
/// found by relaxing all edges until nothing changes, which takes edges of negative cost as they are.
class CheapestFlow {
 public:
  CheapestFlow(std::vector<std::vector<double>> costs, int64_t columns)
      : costs_(std::move(costs)), column_of_(costs_.size(), -1), row_of_(size_t(columns), -1) {}

  std::vector<int64_t> run() {
    while (grow()) {}
    return column_of_;
  }

 private:
  bool grow() {
    std::vector<double> to_row(costs_.size());
    std::vector<double> to_column(row_of_.size(), kFar);
    std::vector<int64_t> row_before(row_of_.size(), -1);
    for (size_t i = 0; i < costs_.size(); ++i) {
      to_row[i] = column_of_[i] < 0 ? 0.0 : kFar;
    }
    for (bool changes = true; changes;) {
      changes = false;
      for (size_t i = 0; i < costs_.size(); ++i) {
        for (size_t j = 0; j < row_of_.size(); ++j) {
          if (to_row[i] + costs_[i][j] < to_column[j] - kRounding) {
            to_column[j] = to_row[i] + costs_[i][j];
            row_before[j] = int64_t(i);
            if (row_of_[j] >= 0) {
              to_row[size_t(row_of_[j])] = to_column[j] - costs_[size_t(row_of_[j])][j];
            }
            changes = true;
          }
        }
      }
    }
    int64_t end = -1;
    for (size_t j = 0; j < row_of_.size(); ++j) {
      if (row_of_[j] < 0 && to_column[j] < (end < 0 ? kFar : to_column[size_t(end)])) {
        end = int64_t(j);
      }
    }
    const bool found = end >= 0;
    while (end >= 0) {
      const auto row = size_t(row_before[size_t(end)]);
      row_of_[size_t(end)] = int64_t(row);
      std::swap(column_of_[row], end);
    }
    return found;
  }

  static constexpr double kFar = std::numeric_limits<double>::infinity();
  static constexpr double kRounding = 1e-12;  // a circle of no cost must not look like progress
  std::vector<std::vector<double>> costs_;
  std::vector<int64_t> column_of_;
  std::vector<int64_t> row_of_;
};

}  // namespace

TensorList HungarianMatch::reference(Inputs in, const Options& options) {
  const auto& [given_scores, given_rows] = unpack<2>(in);
  const Tensor scores = given_scores.to(DType::f64).contiguous();
  const Tensor columns = Tensor::full({scores.size(0), scores.size(1)}, -1, DType::i64);
  const Tensor rows = given_rows.defined() ? given_rows.contiguous() : given_rows;
  for (int64_t b = 0; b < scores.size(0); ++b) {
    std::vector<std::vector<double>> costs;
    std::vector<int64_t> places;
    for (int64_t at = b * scores.size(1); at < (b + 1) * scores.size(1); ++at) {
      if (!rows.defined() || rows.data<bool>()[at]) {
        std::vector<double> row(scores.data<double>() + at * scores.size(2),
                                scores.data<double>() + (at + 1) * scores.size(2));
        for (double& cost : row) {
          cost = !std::isfinite(cost) ? std::numeric_limits<double>::infinity() : options.maximize ? -cost : cost;
        }
        costs.push_back(std::move(row));
        places.push_back(at);
      }
    }
    const std::vector<int64_t> found = CheapestFlow(std::move(costs), scores.size(2)).run();
    for (size_t i = 0; i < places.size(); ++i) {
      columns.data<int64_t>()[places[i]] = found[i];
    }
  }
  return {columns};
}

Tensor hungarian_match(const Tensor& scores, const Tensor& rows, const HungarianMatchOptions& options) {
  return autograd::apply<HungarianMatch>({scores, rows}, options)[0];
}

}  // namespace lv::ops
