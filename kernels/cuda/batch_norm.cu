#include "kernels/batch_norm.h"

#include "kernels/batch_norm.plan.h"
#include "kernels/cuda/launch_cells.h"

namespace lv::kernels::cuda {

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
