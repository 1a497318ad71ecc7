#include "kernels/copy.h"

#include <cstring>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/strided_rows.h"
#include "kernels/scalar.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

template <class From, class To>
void copy_run(const From* x, int64_t x_step, To* y, int64_t y_step, int64_t n) {
  if (x_step == 1 && y_step == 1) {
    if constexpr (std::is_same_v<From, To>) {
      std::memcpy(y, x, size_t(n) * sizeof(To));
    } else {
      for (int64_t i = 0; i < n; ++i) {
        y[i] = convert<To>(x[i]);
      }
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    y[i * y_step] = convert<To>(x[i * x_step]);
  }
}

}  // namespace

void copy(const CopyArgs& args) {
  const auto loop = plan_strided<2>(args.x.shape, {args.x.strides, args.y.strides});
  const int inner = std::max(loop.rank - 1, 0);
  visit_any(args.x.dtype, [&]<class From>() {
    visit_any(args.y.dtype, [&]<class To>() {
      const From* x = args.x.as<From>();
      To* y = args.y.as<To>();
      for_each_run(loop, [&](const int64_t(&at)[2], int64_t n) {
        copy_run(x + at[0], loop.strides[0][inner], y + at[1], loop.strides[1][inner], n);
      });
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(copy, CopyArgs)
