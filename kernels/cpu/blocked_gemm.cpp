#include "kernels/cpu/blocked_product.h"
#include "kernels/cpu/isa.h"
#include "kernels/gemm.h"

namespace lv::kernels::cpu::LV_ISA {

void blocked_gemm(const GemmArgs& args) {
  const Strides& a = args.a.strides;
  const Strides& b = args.b.strides;
  const int64_t m = args.c.size(1);
  const int64_t n = args.c.size(2);
  visit_floating(args.c.dtype, "matmul", [&]<class T>() {
    blocked_product<ComputeType<T>>(args.c.size(0), m, n, args.a.size(2), [&](int64_t i, const auto& multiply) {
      multiply(MatrixOperand<T>{.data = args.a.as<T>() + i * a[0], .stride = a[1], .step = a[2]},
               MatrixOperand<T>{.data = args.b.as<T>() + i * b[0], .stride = b[2], .step = b[1]},
               MatrixStore<T>{.data = args.c.as<T>() + i * m * n, .stride = n, .bias = args.bias.as<T>()});
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(blocked_gemm, GemmArgs)
