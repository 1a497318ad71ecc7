#include "kernels/batch_norm.h"

#include "kernels/batch_norm.plan.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/run_cells.h"

namespace lv::kernels::cpu::LV_ISA {

void batch_norm_coefficients(const BatchNormCoefficientsArgs& args) { run_cells(args, args.variance.dtype); }
void batch_norm_grad_coefficients(const BatchNormGradCoefficientsArgs& args) { run_cells(args, args.sums.dtype); }
void batch_norm_parameter_grads(const BatchNormParameterGradsArgs& args) { run_cells(args, args.sums.dtype); }
void batch_norm_update(const BatchNormUpdateArgs& args) { run_cells(args, args.mean.dtype); }
void batch_norm_join(const BatchNormJoinArgs& args) { run_cells(args, args.mean.dtype); }

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(batch_norm_coefficients, BatchNormCoefficientsArgs)
LV_CPU_KERNEL(batch_norm_grad_coefficients, BatchNormGradCoefficientsArgs)
LV_CPU_KERNEL(batch_norm_parameter_grads, BatchNormParameterGradsArgs)
LV_CPU_KERNEL(batch_norm_update, BatchNormUpdateArgs)
LV_CPU_KERNEL(batch_norm_join, BatchNormJoinArgs)
