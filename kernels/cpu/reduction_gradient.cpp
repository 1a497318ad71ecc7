#include "kernels/cpu/blocks.h"
#include "kernels/cpu/isa.h"
#include "kernels/reduce.h"
#include "kernels/simd/loop.h"
#include "kernels/simd/math.h"

namespace lv::kernels::cpu::LV_ISA {

void reduction_gradient(const ReductionGradientArgs& args) {
  const auto loop = plan_blocks(args.x, args.a, args.b, args.dx);
  visit_floating(args.dx.dtype, "reduction_gradient", [&]<class T>() {
    using C = simd::Lane<T>;
    using V = simd::Vec<C>;
    visit_reduction_gradient(args.gradient, [&]<class F>() {
      const auto block = [](int64_t n, T* dx, const T* x, const C* a, const C* b) {
        simd::map(n, dx, [](V u, V v, V w) { return F::value(u, v, w); }, x, a, b);
      };
      for_each_block(loop, block, args.dx.as<T>(), args.x.as<T>(), args.a.as<C>(), args.b.as<C>());
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(reduction_gradient, ReductionGradientArgs)
