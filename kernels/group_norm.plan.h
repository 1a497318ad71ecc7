#pragma once

#include "kernels/group_norm.cell.h"
#include "kernels/group_norm.h"

// Cells from argument structs; see kernels/batch_norm.plan.h.

namespace lv::kernels {

template <class A, class Run>
void plan_cells(const GroupNormCoefficientsArgs& args, Run&& run) {
  const int64_t channels = args.mean.size(1);
  run(GroupNormCoefficientsCell<A>{args.mean.as<A>(), args.variance.as<A>(), args.weight.as<A>(), args.bias.as<A>(),
                                   A(args.eps), args.group_mean.as<A>(), args.inv_std.as<A>(), args.scale.as<A>(),
                                   args.offset.as<A>(), channels, channels / args.groups},
      args.mean.numel() > 0 ? args.mean.size(0) * args.groups : 0);
}

template <class A, class Run>
void plan_cells(const GroupNormGradCoefficientsArgs& args, Run&& run) {
  const int64_t size = args.sums.numel() / 2;
  const int64_t channels = args.sums.size(2);
  run(GroupNormGradCoefficientsCell<A>{args.sums.as<A>(), args.inv_std.as<A>(), args.scale.as<A>(), args.slope.as<A>(),
                                       args.shift.as<A>(), channels, channels / args.groups, args.rows},
      size > 0 ? args.sums.size(0) * args.groups : 0);
}

}  // namespace lv::kernels
