#include "kernels/elementwise.h"

#include "kernels/cpu/isa.h"
#include "kernels/cpu/strided_rows.h"
#include "kernels/scalar.h"

namespace lv::kernels::cpu::LV_ISA {

void binary(const BinaryArgs& args) {
  const auto loop = plan_strided<3>(args.y.shape, {args.a.strides, args.b.strides, args.y.strides});
  const int inner = std::max(loop.rank - 1, 0);
  const int64_t a_step = loop.strides[0][inner];
  const int64_t b_step = loop.strides[1][inner];
  const int64_t y_step = loop.strides[2][inner];
  visit_floating(args.y.dtype, "binary", [&]<class T>() {
    visit_function(args.function, [&]<class F>() {
      for_each_run(loop, [&](const int64_t(&at)[3], int64_t n) {
        const T* a = args.a.as<T>() + at[0];
        const T* b = args.b.as<T>() + at[1];
        T* y = args.y.as<T>() + at[2];
        for (int64_t i = 0; i < n; ++i) {
          y[i * y_step] = convert<T>(F::value(widen(a[i * a_step]), widen(b[i * b_step])));
        }
      });
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(binary, BinaryArgs)
