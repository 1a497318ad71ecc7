#include "kernels/batch_norm.h"

#include "kernels/batch_norm.plan.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/per_channel.cuh"

namespace lv::kernels::cuda {

namespace {

template <class Args>
void launch_cells(const Args& args, DType dtype, Stream stream) {
  const auto run = [&](const auto& cell, int64_t n) {
    launch(per_channel_kernel<std::remove_cvref_t<decltype(cell)>>, blocks_for(n), kElementThreads, 0, stream, cell, n);
  };
  if (dtype == DType::f64) {
    plan_cells<double>(args, run);
  } else {
    plan_cells<float>(args, run);
  }
}

}  // namespace

void batch_norm_coefficients(const BatchNormCoefficientsArgs& args, Stream stream) {
  launch_cells(args, args.variance.dtype, stream);
}
void batch_norm_grad_coefficients(const BatchNormGradCoefficientsArgs& args, Stream stream) {
  launch_cells(args, args.sums.dtype, stream);
}
void batch_norm_parameter_grads(const BatchNormParameterGradsArgs& args, Stream stream) {
  launch_cells(args, args.sums.dtype, stream);
}
void batch_norm_update(const BatchNormUpdateArgs& args, Stream stream) { launch_cells(args, args.mean.dtype, stream); }
void batch_norm_join(const BatchNormJoinArgs& args, Stream stream) { launch_cells(args, args.mean.dtype, stream); }

}  // namespace lv::kernels::cuda
