#include "kernels/cpu/blocks.h"
#include "kernels/cpu/isa.h"
#include "kernels/elementwise.h"
#include "kernels/simd/loop.h"
#include "kernels/simd/math.h"
#include "kernels/simd/normal.h"
#include "kernels/simd/pow.h"
#include "kernels/simd/trig.h"

namespace lv::kernels::cpu::LV_ISA {

void unary(const UnaryArgs& args) {
  const auto loop = plan_blocks(args.x, args.y);
  visit_floating(args.y.dtype, "unary", [&]<class T>() {
    using V = simd::FunctionVec<T>;
    visit_function(args.function, [&]<class F>() {
      const Scalars<V> scalars{V(simd::Lane<T>(args.scalars.a)), V(simd::Lane<T>(args.scalars.b))};
      const auto block = [scalars](int64_t n, T* y, const T* x) {
        simd::map<kGivesExactValues<F>>(n, y, [scalars](V v) { return F::value(v, scalars); }, x);
      };
      for_each_block(loop, block, args.y.as<T>(), args.x.as<T>());
    });
  });
}

void unary_gradient(const UnaryGradientArgs& args) {
  const auto loop = plan_blocks(args.grad, args.saved, args.dx);
  visit_floating(args.dx.dtype, "unary_gradient", [&]<class T>() {
    using V = simd::FunctionVec<T>;
    visit_function(args.function, [&]<class F>() {
      const Scalars<V> scalars{V(simd::Lane<T>(args.scalars.a)), V(simd::Lane<T>(args.scalars.b))};
      const auto block = [scalars](int64_t n, T* dx, const T* grad, const T* saved) {
        simd::map(n, dx, [scalars](V g, V s) { return F::gradient(g, s, scalars); }, grad, saved);
      };
      for_each_block(loop, block, args.dx.as<T>(), args.grad.as<T>(), args.saved.as<T>());
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(unary, UnaryArgs)
LV_CPU_KERNEL(unary_gradient, UnaryGradientArgs)
