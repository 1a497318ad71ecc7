#include "kernels/cuda/resample.cuh"

#include "kernels/cuda/launch.h"
#include "kernels/resample.h"

namespace lv::kernels::cuda {

void resample2d(const Resample2dArgs& args, Stream stream) {
  const int64_t count = args.y.numel();
  const ResampleSizes sizes{args.x.size(1), args.x.size(2), args.y.size(1), args.y.size(2), args.y.size(3)};
  visit_floating(args.y.dtype, "resample2d", [&]<class T>() {
    using Value = ComputeType<T>;
    launch(resample2d_kernel<T>, blocks_for(count), kElementThreads, 0, stream, args.x.as<T>(), args.y.as<T>(),
           args.height.start.as<int32_t>(), args.height.weights.as<Value>(), args.height.weights.size(1),
           args.width.start.as<int32_t>(), args.width.weights.as<Value>(), args.width.weights.size(1), sizes, count);
  });
}

}  // namespace lv::kernels::cuda
