#include "kernels/scaled_add.h"

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/scalar.h"
#include "kernels/scaled_add.cell.h"

namespace lv::kernels::cpu::LV_ISA {

void scaled_add(const ScaledAddArgs& args) {
  constexpr int64_t kGrain = 32768;
  visit_floating(args.y.dtype, "scaled_add", [&]<class T>() {
    const T* a = args.a.as<T>();
    const T* b = args.b.as<T>();
    T* y = args.y.as<T>();
    const auto factor = ComputeType<T>(args.factor);
    parallel_for(args.y.numel(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        y[i] = convert<T>(scaled_add_cell(widen(a[i]), widen(b[i]), factor));
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(scaled_add, ScaledAddArgs)
