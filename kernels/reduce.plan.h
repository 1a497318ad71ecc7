#pragma once

#include "kernels/reduce.h"
#include "kernels/scalar.h"
#include "kernels/strided.h"

namespace lv::kernels {

// Note [Reductions]. The axes fall into those of the outputs and those of the terms of one output. Where the terms lie
// closest together in memory (inner), an output is reduced along them, lanes taking neighbouring terms. Where the
// outputs do (outer), lanes take neighbouring outputs ("columns") and walk down their terms ("rows") together. Long
// walks are cut into chunks, whose results meet in a second step: their number depends on the shapes alone, so the bits
// do not depend on threads or grids.

struct ReducePlan {
  enum Array { kOther, kY, kX };
  StridedLoop<3> outputs;
  StridedLoop<2> terms;  // x is array 1 here, kOther array 0
  bool is_inner = true;
  int64_t chunk = 0;   // terms of a chunk
  int64_t chunks = 1;  // of each output
};

inline ReducePlan plan_reduce(const ReduceArgs& args) {
  const int rank = args.x.rank();
  Shape reduced = Shape::filled(rank, 1);
  for (int axis = 0; axis < rank; ++axis) {
    if (args.y.shape[axis] != args.x.shape[axis]) {
      reduced[axis] = args.x.shape[axis];
    }
  }
  const Strides other = args.other.defined() ? args.other.strides : Strides::filled(rank, 0);
  ReducePlan plan{.outputs = plan_strided<3>(args.y.shape, {other, args.y.strides, args.x.strides}),
                  .terms = plan_strided<2>(reduced, {other, args.x.strides})};
  plan.is_inner =
      plan.outputs.rank == 0 || (plan.terms.rank > 0 && plan.terms.step(1) <= plan.outputs.step(ReducePlan::kX));
  constexpr int64_t kElements = 32768;   // of a chunk, unless that makes
  constexpr int64_t kMostChunks = 1024;  // more of them than this
  constexpr int64_t kShortest = 64;      // rows: fewer would make the second step as long as the first
  plan.chunk = plan.is_inner ? kElements : std::max(kShortest, kElements / std::max<int64_t>(plan.outputs.run(), 1));
  plan.chunk = std::max(plan.chunk, (plan.terms.count + kMostChunks - 1) / kMostChunks);
  plan.chunks = std::max<int64_t>(1, (plan.terms.count + plan.chunk - 1) / plan.chunk);
  return plan;
}

}  // namespace lv::kernels
