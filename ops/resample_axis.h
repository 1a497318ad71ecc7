#pragma once

#include <vector>

#include "kernels/resample.h"

namespace lv::ops {

/// The nonzero terms of a linear map along one axis: terms[o] lists (input index, weight) of output o, by rising index.
struct AxisMap {
  struct Term {
    int64_t index;
    double weight;
  };
  int64_t in = 0;
  std::vector<std::vector<Term>> terms;

  [[nodiscard]] int64_t out() const { return int64_t(terms.size()); }
  /// Adds to the term of an index, so that indices clamped to one cell are counted once.
  void add(int64_t o, int64_t index, double weight);
  /// The map of the gradients.
  [[nodiscard]] AxisMap transposed() const;
};

/// The table of a map in the form that kernels take, on `device`.
struct AxisTensors {
  Tensor start;
  Tensor weights;

  AxisTensors(const AxisMap& map, DType weight_dtype, Device device);
  [[nodiscard]] kernels::AxisTable table() const { return {kernels::cref(start), kernels::cref(weights)}; }
};

/// Applies a map to height and one to width of a dense x: [N, H, W, C] -> [N, OH, OW, C], in one pass where windows are
/// small, else axis by axis.
Tensor apply_axis_maps(const Tensor& x, const AxisMap& height, const AxisMap& width);

/// The same by plain loops in float64, for references.
Tensor apply_axis_maps_plainly(const Tensor& x, const AxisMap& height, const AxisMap& width);

}  // namespace lv::ops
