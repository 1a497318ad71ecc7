#include "ops/resample_axis.h"

#include <algorithm>

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

Tensor apply_axis_tables(const Tensor& x, const AxisTensors& height, const AxisTensors& width) {
  const Tensor y = Tensor::empty({x.size(0), height.out(), width.out(), x.size(3)}, x.dtype(), x.device());
  kernels::resample2d({.x = kernels::cref(x), .y = kernels::ref(y), .height = height.table(), .width = width.table()},
                      current_stream(x.device()));
  return y;
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
