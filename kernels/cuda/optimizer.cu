#include "kernels/optimizer.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/optimizer.cuh"

namespace lv::kernels::cuda {

namespace {

unsigned grid_of(int64_t blocks) {
  LV_CHECK(blocks <= INT32_MAX, "cuda: an update of {} chunks is too large for one launch", blocks);
  return unsigned(blocks);
}

template <class Rule>
void update(const UpdateArgs<Rule>& args, Stream stream) {
  const auto kernel = args.table.dtype == DType::f64 ? update_kernel<double, Rule> : update_kernel<float, Rule>;
  simt::launch(kernel, grid_of(args.table.chunk_count), kUpdateThreads, 0, stream, args.table, args.rule);
}

}  // namespace

void update_sgd(const UpdateSgdArgs& args, Stream stream) { update(args, stream); }
void update_momentum(const UpdateMomentumArgs& args, Stream stream) { update(args, stream); }
void update_adam(const UpdateAdamArgs& args, Stream stream) { update(args, stream); }
void update_lars(const UpdateLarsArgs& args, Stream stream) { update(args, stream); }
void update_lookahead(const UpdateLookaheadArgs& args, Stream stream) { update(args, stream); }
void update_average(const UpdateAverageArgs& args, Stream stream) { update(args, stream); }

void sum_squares(const SumSquaresArgs& args, Stream stream) {
  const auto kernel = args.table.dtype == DType::f64 ? sum_squares_kernel<double> : sum_squares_kernel<float>;
  simt::launch(kernel, grid_of(args.table.chunk_count), kUpdateThreads, 0, stream, args.table, args.grad_scale,
               args.weight_decay, args.partials);
  simt::launch(combine_squares_kernel, grid_of(args.table.tensor_count), kUpdateThreads, 0, stream, args.table,
               static_cast<const double*>(args.partials), args.squares);
}

void clip_factors(const ClipFactorsArgs& args, Stream stream) {
  simt::launch(clip_factors_kernel, 1, kUpdateThreads, 0, stream, args);
}

void scale_tensors(const ScaleTensorsArgs& args, Stream stream) {
  const auto kernel = args.table.dtype == DType::f64 ? scale_tensors_kernel<double> : scale_tensors_kernel<float>;
  simt::launch(kernel, grid_of(args.table.chunk_count), kUpdateThreads, 0, stream, args);
}

}  // namespace lv::kernels::cuda
