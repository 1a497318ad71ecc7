#include "kernels/cpu/blocks.h"
#include "kernels/cpu/isa.h"
#include "kernels/elementwise.h"
#include "kernels/simd/loop.h"
#include "kernels/simd/math.h"
#include "kernels/simd/pow.h"

namespace lv::kernels::cpu::LV_ISA {

void binary(const BinaryArgs& args) {
  const auto loop = plan_blocks(args.a, args.b, args.y);
  visit_floating(args.y.dtype, "binary", [&]<class T>() {
    using V = simd::Vec<simd::Lane<T>>;
    visit_function(args.function, [&]<class F>() {
      const auto block = [](int64_t n, T* y, const T* a, const T* b) {
        simd::map<kGivesExactValues<F>>(n, y, [](V u, V v) { return F::value(u, v); }, a, b);
      };
      for_each_block(loop, block, args.y.as<T>(), args.a.as<T>(), args.b.as<T>());
    });
  });
}

void ternary(const TernaryArgs& args) {
  const auto loop = plan_blocks(args.a, args.b, args.c, args.y);
  visit_floating(args.y.dtype, "ternary", [&]<class T>() {
    using V = simd::Vec<simd::Lane<T>>;
    visit_function(args.function, [&]<class F>() {
      const auto block = [](int64_t n, T* y, const T* a, const T* b, const T* c) {
        simd::map(n, y, [](V u, V v, V w) { return F::value(u, v, w); }, a, b, c);
      };
      for_each_block(loop, block, args.y.as<T>(), args.a.as<T>(), args.b.as<T>(), args.c.as<T>());
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(binary, BinaryArgs)
LV_CPU_KERNEL(ternary, TernaryArgs)
