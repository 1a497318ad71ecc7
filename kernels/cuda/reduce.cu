#include "kernels/reduce.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/reduce.cuh"

namespace lv::kernels::cuda {

namespace {

constexpr int64_t kWarpTerms = 1024;  // up to here a warp reduces an output

unsigned grid_size(int64_t blocks) {
  LV_CHECK(blocks <= INT32_MAX, "reduce: {} blocks are too many for one launch", blocks);
  return unsigned(blocks);
}

template <class R, class M, class T>
void launch_reduction(const ReduceArgs& args, const ReducePlan& plan, Stream stream) {
  using C = ComputeType<T>;
  const bool is_wide = args.y.dtype != kDTypeOf<T>;
  const ReduceResults<T> results{.y = is_wide ? nullptr : args.y.as<T>(),
                                 .wide_y = is_wide ? args.y.as<C>() : nullptr,
                                 .partials = args.workspace.as<C>(),
                                 .scale = C(args.scale)};
  const T* x = args.x.as<T>();
  const auto* other = args.other.as<OtherType<M, T>>();
  const dim3 block(kReduceLanes, kReduceWarps);
  if (plan.is_inner) {
    const int64_t tasks = plan.outputs.count * plan.chunks;
    const bool is_by_warp = plan.terms.count <= kWarpTerms;
    const int64_t blocks = is_by_warp ? (tasks + kReduceWarps - 1) / kReduceWarps : tasks;
    launch(reduce_inner_kernel<R, M, T>, grid_size(blocks), block, 0, stream, x, other, results, plan, is_by_warp);
  } else {
    const dim3 grid(grid_size((plan.outputs.count + kReduceLanes - 1) / kReduceLanes), unsigned(plan.chunks));
    launch(reduce_outer_kernel<R, M, T>, grid, block, 0, stream, x, other, results, plan);
  }
  if (plan.chunks > 1) {
    launch(reduce_chunks_kernel<R, T>, blocks_for(plan.outputs.count), kElementThreads, 0, stream, results, plan);
  }
}

}  // namespace

void reduce(const ReduceArgs& args, Stream stream) {
  const ReducePlan plan = plan_reduce(args);
  visit_floating(args.x.dtype, "reduce", [&]<class T>() {
    visit_reduction(args.reduction, [&]<class R, class M>() { launch_reduction<R, M, T>(args, plan, stream); });
  });
}

void reduction_gradient(const ReductionGradientArgs& args, Stream stream) {
  const auto loop = plan_strided<4>(args.dx.shape, {args.x.strides, args.a.strides, args.b.strides, args.dx.strides});
  visit_floating(args.dx.dtype, "reduction_gradient", [&]<class T>() {
    using C = ComputeType<T>;
    visit_reduction_gradient(args.gradient, [&]<class F>() {
      launch(reduction_gradient_kernel<F, T>, blocks_for(loop.count), kElementThreads, 0, stream, args.x.as<T>(),
             args.a.as<C>(), args.b.as<C>(), args.dx.as<T>(), loop);
    });
  });
}

}  // namespace lv::kernels::cuda
