#include "ops/resample_axis.h"

#include <algorithm>

#include "ops/norm_support.h"

namespace lv::ops {

void AxisMap::add(int64_t o, int64_t index, double weight) {
  auto& list = terms[size_t(o)];
  const auto at =
      std::lower_bound(list.begin(), list.end(), index, [](const Term& t, int64_t i) { return t.index < i; });
  if (at != list.end() && at->index == index) {
    at->weight += weight;
  } else {
    list.insert(at, {index, weight});
  }
}

AxisMap AxisMap::transposed() const {
  AxisMap result{.in = out(), .terms = std::vector<std::vector<Term>>(size_t(in))};
  for (int64_t o = 0; o < out(); ++o) {
    for (const Term& term : terms[size_t(o)]) {
      result.terms[size_t(term.index)].push_back({o, term.weight});
    }
  }
  return result;
}

namespace {

/// The longest window of a map; at least 1.
int64_t tap_count(const AxisMap& map) {
  int64_t taps = 1;
  for (const auto& list : map.terms) {
    if (!list.empty()) {
      taps = std::max(taps, list.back().index - list.front().index + 1);
    }
  }
  return taps;
}

AxisMap identity_map(int64_t size) {
  AxisMap map{.in = size, .terms = std::vector<std::vector<AxisMap::Term>>(size_t(size))};
  for (int64_t i = 0; i < size; ++i) {
    map.add(i, i, 1.0);
  }
  return map;
}

Tensor apply_in_one_pass(const Tensor& x, const AxisMap& height, const AxisMap& width, DType out_dtype) {
  const AxisTensors rows(height, statistics_dtype(out_dtype), x.device());
  const AxisTensors columns(width, statistics_dtype(out_dtype), x.device());
  const Tensor y = Tensor::empty({x.size(0), height.out(), width.out(), x.size(3)}, out_dtype, x.device());
  kernels::resample2d({.x = kernels::cref(x), .y = kernels::ref(y), .height = rows.table(), .width = columns.table()},
                      current_stream(x.device()));
  return y;
}

/// Columns of a row of cells, then whole rows, which count as cells of many channels.
Tensor apply_columns_first(const Tensor& x, const AxisMap& height, const AxisMap& width) {
  const int64_t channels = x.size(3);
  const Tensor lines = apply_in_one_pass(x.view({x.size(0) * x.size(1), 1, x.size(2), channels}), identity_map(1),
                                         width, statistics_dtype(x.dtype()));
  const Tensor y = apply_in_one_pass(lines.view({x.size(0), x.size(1), 1, width.out() * channels}), height,
                                     identity_map(1), x.dtype());
  return y.view({x.size(0), height.out(), width.out(), channels});
}

Tensor apply_rows_first(const Tensor& x, const AxisMap& height, const AxisMap& width) {
  const int64_t channels = x.size(3);
  const Tensor rows = apply_in_one_pass(x.view({x.size(0), x.size(1), 1, x.size(2) * channels}), height,
                                        identity_map(1), statistics_dtype(x.dtype()));
  const Tensor y = apply_in_one_pass(rows.view({x.size(0) * height.out(), 1, x.size(2), channels}), identity_map(1),
                                     width, x.dtype());
  return y.view({x.size(0), height.out(), width.out(), channels});
}

}  // namespace

AxisTensors::AxisTensors(const AxisMap& map, DType weight_dtype, Device device) {
  const int64_t taps = tap_count(map);
  std::vector<int32_t> starts(size_t(map.out()), 0);
  std::vector<double> values(size_t(map.out() * taps), 0.0);
  for (int64_t o = 0; o < map.out(); ++o) {
    const auto& list = map.terms[size_t(o)];
    starts[size_t(o)] = list.empty() ? 0 : int32_t(list.front().index);
    for (const AxisMap::Term& term : list) {
      values[size_t(o * taps + term.index - starts[size_t(o)])] = term.weight;
    }
  }
  start = Tensor::from(starts, {map.out()}).to(device);
  weights = Tensor::from(values, {map.out(), taps}).to(weight_dtype).to(device);
}

Tensor apply_axis_maps(const Tensor& x, const AxisMap& height, const AxisMap& width) {
  // Cells read, and those written and read again in between, for each image.
  const int64_t row_taps = tap_count(height);
  const int64_t column_taps = tap_count(width);
  const int64_t outputs = height.out() * width.out();
  const int64_t at_once = outputs * row_taps * column_taps;
  const int64_t columns_first = x.size(1) * width.out() * (column_taps + 2) + outputs * row_taps;
  const int64_t rows_first = height.out() * x.size(2) * (row_taps + 2) + outputs * column_taps;
  if (at_once <= std::min(columns_first, rows_first)) {
    return apply_in_one_pass(x, height, width, x.dtype());
  }
  return columns_first <= rows_first ? apply_columns_first(x, height, width) : apply_rows_first(x, height, width);
}

Tensor apply_axis_maps_plainly(const Tensor& x, const AxisMap& height, const AxisMap& width) {
  const Tensor source = x.to(DType::f64).contiguous();
  const int64_t channels = x.size(3);
  const Tensor y = Tensor::zeros({x.size(0), height.out(), width.out(), channels}, DType::f64);
  double* target = y.data<double>();
  for (int64_t n = 0; n < x.size(0); ++n) {
    for (const auto& row_terms : height.terms) {
      for (const auto& column_terms : width.terms) {
        for (int64_t c = 0; c < channels; ++c, ++target) {
          for (const auto& row : row_terms) {
            for (const auto& column : column_terms) {
              const int64_t at = ((n * x.size(1) + row.index) * x.size(2) + column.index) * channels + c;
              *target += row.weight * column.weight * source.data<double>()[at];
            }
          }
        }
      }
    }
  }
  return y.to(x.dtype());
}

}  // namespace lv::ops
