#pragma once

#include "kernels/batch_norm.cell.h"
#include "kernels/batch_norm.h"

// Cells from argument structs. `run(cell, n)` must call cell(i) for all i in [0, n): a loop on the CPU, one thread each
// on a device.

namespace lv::kernels {

template <class A>
BatchNormCountCell<A> count_cell(const BatchNormCount& count) {
  return {A(count.count), count.total.as<A>()};
}

template <class A, class Run>
void plan_cells(const BatchNormCoefficientsArgs& args, Run&& run) {
  const int64_t size = args.variance.numel();
  run(BatchNormCoefficientsCell<A>{args.variance.as<A>(), args.weight.as<A>(), args.bias.as<A>(), A(args.eps),
                                   count_cell<A>(args.count), args.coefficients.as<A>(), args.unbiased.as<A>(), size,
                                   args.variance.size(1)},
      size);
}

template <class A, class Run>
void plan_cells(const BatchNormGradCoefficientsArgs& args, Run&& run) {
  const int64_t size = args.sums.numel() / 2;
  run(BatchNormGradCoefficientsCell<A>{args.sums.as<A>(), args.coefficients.as<A>(), count_cell<A>(args.count),
                                       args.slope_shift.as<A>(), size, args.sums.size(2)},
      size);
}

template <class A, class Run>
void plan_cells(const BatchNormParameterGradsArgs& args, Run&& run) {
  const int64_t channels = args.sums.size(2);
  run(BatchNormParameterGradsCell<A>{args.sums.as<A>(), args.inv_std.as<A>(), args.parameter_grads.as<A>(),
                                     args.sums.size(0), channels},
      channels);
}

template <class A, class Run>
void plan_cells(const BatchNormUpdateArgs& args, Run&& run) {
  const int64_t channels = args.mean.size(1);
  run(BatchNormUpdateCell<A>{args.mean.as<A>(), args.variance.as<A>(), A(args.momentum), args.running_mean.as<A>(),
                             args.running_var.as<A>(), args.mean.size(0), channels},
      channels);
}

template <class A, class Run>
void plan_cells(const BatchNormJoinArgs& args, Run&& run) {
  const int64_t size = args.mean.numel();
  run(BatchNormJoinCell<A>{args.parts.as<A>(), args.mean.as<A>(), args.variance.as<A>(), args.total.as<A>(),
                           args.parts.size(0), size},
      size);
}

}  // namespace lv::kernels
