#include "kernels/cuda/scaled_add.cuh"

#include "kernels/cuda/launch.h"
#include "kernels/scaled_add.h"

namespace lv::kernels::cuda {

void scaled_add(const ScaledAddArgs& args, Stream stream) {
  const int64_t count = args.y.numel();
  visit_floating(args.y.dtype, "scaled_add", [&]<class T>() {
    launch(scaled_add_kernel<T>, blocks_for(count), kElementThreads, 0, stream, args.a.as<T>(), args.b.as<T>(),
           args.y.as<T>(), ComputeType<T>(args.factor), count);
  });
}

}  // namespace lv::kernels::cuda
