#include "kernels/group_norm.h"

#include "kernels/cuda/launch_cells.h"
#include "kernels/group_norm.plan.h"

namespace lv::kernels::cuda {

void group_norm_coefficients(const GroupNormCoefficientsArgs& args, Stream stream) {
  launch_cells(args, args.mean.dtype, stream);
}
void group_norm_grad_coefficients(const GroupNormGradCoefficientsArgs& args, Stream stream) {
  launch_cells(args, args.sums.dtype, stream);
}

}  // namespace lv::kernels::cuda
