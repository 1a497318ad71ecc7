#pragma once

#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "kernels/resample.h"
#include "ops/norm_support.h"

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
  [[nodiscard]] int64_t out() const { return start.size(0); }
  [[nodiscard]] kernels::AxisTable table() const { return {kernels::cref(start), kernels::cref(weights)}; }
};

/// The tables made so far, so that resizing one image after the other makes each of them once, and on a device waits
/// for no transfer. Rule: what a map follows from; ordered, with a member map().
template <class Rule>
class AxisTableCache {
 public:
  /// May be called by several threads.
  AxisTensors get(const Rule& rule, DType weight_dtype, Device device) {
    const std::lock_guard lock(mutex_);
    const Key key{rule, weight_dtype, device.type, device.index};
    const auto found = tables_.find(key);
    if (found != tables_.end()) {
      return found->second;
    }
    if (tables_.size() >= kMostTables) {
      tables_.clear();
    }
    return tables_.emplace(key, AxisTensors(rule.map(), weight_dtype, device)).first->second;
  }

 private:
  static constexpr size_t kMostTables = 256;
  using Key = std::tuple<Rule, DType, DeviceType, int8_t>;

  std::mutex mutex_;
  std::map<Key, AxisTensors> tables_;
};

/// Applies the maps that two rules make to height and width of a dense x: [N, H, W, C] -> [N, OH, OW, C].
Tensor apply_axis_tables(const Tensor& x, const AxisTensors& height, const AxisTensors& width);
template <class Rule>
Tensor apply_axis_rules(const Tensor& x, const Rule& height, const Rule& width) {
  static AxisTableCache<Rule> cache;
  const DType weight_dtype = statistics_dtype(x.dtype());
  return apply_axis_tables(x, cache.get(height, weight_dtype, x.device()), cache.get(width, weight_dtype, x.device()));
}

/// The same by plain loops in float64, for references.
Tensor apply_axis_maps_plainly(const Tensor& x, const AxisMap& height, const AxisMap& width);

}  // namespace lv::ops
