#include "kernels/reduce.h"

#include "kernels/cpu/isa.h"
#include "kernels/cpu/strided_rows.h"
#include "kernels/scalar.h"

namespace lv::kernels::cpu::LV_ISA {

void reduce_sum(const ReduceSumArgs& args) {
  const int rank = args.x.rank();
  Shape reduced = Shape::filled(rank, 1);
  for (int axis = 0; axis < rank; ++axis) {
    if (args.y.shape[axis] != args.x.shape[axis]) {
      reduced[axis] = args.x.shape[axis];
    }
  }
  const auto outputs = plan_strided<2>(args.y.shape, {args.x.strides, args.y.strides});
  const auto terms = plan_strided<1>(reduced, {args.x.strides});
  const int inner = std::max(outputs.rank - 1, 0);
  visit_floating(args.y.dtype, "reduce_sum", [&]<class T>() {
    for_each_run(outputs, [&](const int64_t(&at)[2], int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        const T* x = args.x.as<T>() + at[0] + i * outputs.strides[0][inner];
        ComputeType<T> sum = 0;
        for (int64_t k = 0; k < terms.count; ++k) {
          int64_t term[1];
          terms.offsets(k, term);
          sum += widen(x[term[0]]);
        }
        args.y.as<T>()[at[1] + i * outputs.strides[1][inner]] = convert<T>(sum);
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(reduce_sum, ReduceSumArgs)
