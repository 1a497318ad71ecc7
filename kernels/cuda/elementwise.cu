#include "kernels/elementwise.h"

#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/launch.h"

namespace lv::kernels::cuda {

void binary(const BinaryArgs& args, Stream stream) {
  const auto loop = plan_strided<3>(args.y.shape, {args.a.strides, args.b.strides, args.y.strides});
  visit_floating(args.y.dtype, "binary", [&]<class T>() {
    visit_function(args.function, [&]<class F>() {
      launch(binary_kernel<F, T>, blocks_for(loop.count), kElementThreads, 0, stream, args.a.as<T>(), args.b.as<T>(),
             args.y.as<T>(), loop);
    });
  });
}

}  // namespace lv::kernels::cuda
