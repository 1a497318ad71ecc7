#include "kernels/group_norm.h"

#include "kernels/cpu/isa.h"
#include "kernels/cpu/run_cells.h"
#include "kernels/group_norm.plan.h"

namespace lv::kernels::cpu::LV_ISA {

void group_norm_coefficients(const GroupNormCoefficientsArgs& args) { run_cells(args, args.mean.dtype); }
void group_norm_grad_coefficients(const GroupNormGradCoefficientsArgs& args) { run_cells(args, args.sums.dtype); }

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(group_norm_coefficients, GroupNormCoefficientsArgs)
LV_CPU_KERNEL(group_norm_grad_coefficients, GroupNormGradCoefficientsArgs)
