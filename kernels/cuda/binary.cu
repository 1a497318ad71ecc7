#include "kernels/cuda/elementwise.plan.h"
#include "kernels/elementwise.h"

namespace lv::kernels::cuda {

void binary(const BinaryArgs& args, Stream stream) {
  visit_floating(args.y.dtype, "binary", [&]<class T>() {
    const auto arrays = plan_elements<T>(args.y, args.a, args.b);
    visit_function(args.function, [&]<class F>() {
      launch(binary_kernel<F, T>, element_blocks(arrays.loop.count), kElementThreads, 0, stream, arrays);
    });
  });
}

void ternary(const TernaryArgs& args, Stream stream) {
  visit_floating(args.y.dtype, "ternary", [&]<class T>() {
    const auto arrays = plan_elements<T>(args.y, args.a, args.b, args.c);
    visit_function(args.function, [&]<class F>() {
      launch(ternary_kernel<F, T>, element_blocks(arrays.loop.count), kElementThreads, 0, stream, arrays);
    });
  });
}

}  // namespace lv::kernels::cuda
