#include "kernels/cuda/dropout.cuh"

#include "kernels/cuda/launch.h"
#include "kernels/dropout.h"

namespace lv::kernels::cuda {

void dropout(const DropoutArgs& args, Stream stream) {
  const int64_t count = args.x.numel();
  visit_floating(args.x.dtype, "dropout", [&]<class T>() {
    launch(dropout_kernel<T>, blocks_for(count), kElementThreads, 0, stream, args.x.as<T>(), args.y.as<T>(), args.key,
           args.run, args.rate, args.scale, count);
  });
}

}  // namespace lv::kernels::cuda
