#pragma once

#include "kernels/dispatch.h"
#include "kernels/optimizer.cell.h"

// Updates of many tensors in one launch: parameters by an optimizer's rule, gradients by a factor, averages of models.
// A table lists the tensors and cuts them into chunks; a chunk is the unit of parallel work and of partial sums.

namespace lv::kernels {

/// Elements of a chunk. Small enough that the partial sums of a chunk may be kept in float.
inline constexpr int64_t kUpdateChunk = 16384;

struct UpdateChunk {
  int64_t tensor;
  int64_t begin;

  bool operator==(const UpdateChunk&) const = default;
};

/// Tensors of one floating dtype (f32 or f64), and all their chunks in order. The arrays lie on the stream's device.
struct UpdateTable {
  const UpdateTensor* tensors = nullptr;
  const UpdateChunk* chunks = nullptr;
  int64_t tensor_count = 0;
  int64_t chunk_count = 0;
  DType dtype = DType::f32;
};

/// Applies `rule` to every element of every tensor in the table.
template <class Rule>
struct UpdateArgs {
  UpdateTable table;
  Rule rule;
};

using UpdateSgdArgs = UpdateArgs<SgdRule>;
using UpdateMomentumArgs = UpdateArgs<MomentumRule>;
using UpdateAdamArgs = UpdateArgs<AdamRule>;
using UpdateLarsArgs = UpdateArgs<LarsRule>;
using UpdateLookaheadArgs = UpdateArgs<LookaheadRule>;
using UpdateAverageArgs = UpdateArgs<AverageRule>;

LV_KERNEL(update_sgd, UpdateSgdArgs)
LV_KERNEL(update_momentum, UpdateMomentumArgs)
LV_KERNEL(update_adam, UpdateAdamArgs)
LV_KERNEL(update_lars, UpdateLarsArgs)
LV_KERNEL(update_lookahead, UpdateLookaheadArgs)
LV_KERNEL(update_average, UpdateAverageArgs)

/// squares[tensor.index] = {sum of value^2, sum of (grad_scale * grad + decay * value)^2}, where `decay` is the
/// tensor's weight decay; the second is 0 for tensors without grad. A chunk is summed in the tensor's type, chunks in
/// order of their number in double. partials: workspace of [chunks, 2] f64.
struct SumSquaresArgs {
  UpdateTable table;
  double grad_scale = 1;
  double weight_decay = 0;
  double* partials = nullptr;
  double* squares = nullptr;
};
LV_KERNEL(sum_squares, SumSquaresArgs)

/// Turns the first column of `squares` [tensors, 2] into norms and the factors that bring them down to max_norm:
/// min(1, max_norm / (norm + 1e-6)). Per tensor: norms [tensors]; else one norm over all, and one factor for all.
struct ClipFactorsArgs {
  const double* squares = nullptr;
  int64_t tensor_count = 0;
  double max_norm = 0;
  bool per_tensor = false;
  double* norms = nullptr;
  double* factors = nullptr;
};
LV_KERNEL(clip_factors, ClipFactorsArgs)

/// value *= scale * factors[tensor.index] (no factors: scale alone). Chunks with the factor 1 are not touched, unless
/// `non_finite` is given: it becomes 1 when any result is infinite or NaN, and keeps its value otherwise.
struct ScaleTensorsArgs {
  UpdateTable table;
  double scale = 1;
  const double* factors = nullptr;
  int32_t* non_finite = nullptr;
};
LV_KERNEL(scale_tensors, ScaleTensorsArgs)

}  // namespace lv::kernels
