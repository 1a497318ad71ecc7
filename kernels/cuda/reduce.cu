#include "kernels/reduce.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/reduce.cuh"

namespace lv::kernels::cuda {

namespace {

/// The walk over the terms of one output element.
StridedLoop<1> plan_terms(const ReduceSumArgs& args) {
  Shape reduced = Shape::filled(args.x.rank(), 1);
  for (int axis = 0; axis < args.x.rank(); ++axis) {
    if (args.y.shape[axis] != args.x.shape[axis]) {
      reduced[axis] = args.x.shape[axis];
    }
  }
  return plan_strided<1>(reduced, {args.x.strides});
}

}  // namespace

void reduce_sum(const ReduceSumArgs& args, Stream stream) {
  const auto outputs = plan_strided<2>(args.y.shape, {args.x.strides, args.y.strides});
  visit_floating(args.y.dtype, "reduce_sum", [&]<class T>() {
    launch(reduce_sum_kernel<T>, blocks_for(outputs.count), kElementThreads, 0, stream, args.x.as<T>(), args.y.as<T>(),
           outputs, plan_terms(args));
  });
}

}  // namespace lv::kernels::cuda
