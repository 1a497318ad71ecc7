#include "kernels/batch_norm.h"

#include "kernels/batch_norm.plan.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

// A few thousand channels at most: not worth a second thread.
template <class Args>
void run_cells(const Args& args, DType dtype) {
  const auto run = [](const auto& cell, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      cell(i);
    }
  };
  if (dtype == DType::f64) {
    plan_cells<double>(args, run);
  } else {
    plan_cells<float>(args, run);
  }
}

}  // namespace

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
