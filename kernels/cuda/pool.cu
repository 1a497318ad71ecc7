#include "kernels/cuda/pool.cuh"

#include "kernels/cuda/launch.h"
#include "kernels/pool.h"

namespace lv::kernels::cuda {

void max_pool(const MaxPoolArgs& args, Stream stream) {
  const int64_t count = args.y.numel();
  visit_floating(args.x.dtype, "max_pool2d", [&]<class T>() {
    visit_pool_index(args.index.dtype, [&]<class Index>() {
      launch(max_pool_kernel<T, Index>, blocks_for(count), kElementThreads, 0, stream, args.x.as<T>(), args.y.as<T>(),
             args.index.as<Index>(), args.height, args.width, args.x.size(3), count);
    });
  });
}

void max_pool_backward(const MaxPoolBackwardArgs& args, Stream stream) {
  const int64_t count = args.dx.numel();
  visit_floating(args.dx.dtype, "max_pool2d", [&]<class T>() {
    visit_pool_index(args.index.dtype, [&]<class Index>() {
      launch(max_pool_backward_kernel<T, Index>, blocks_for(count), kElementThreads, 0, stream, args.grad.as<T>(),
             args.index.as<Index>(), args.dx.as<T>(), args.height, args.width, args.dx.size(3), count);
    });
  });
}

void avg_pool(const AvgPoolArgs& args, Stream stream) {
  const int64_t count = args.y.numel();
  visit_floating(args.x.dtype, "avg_pool2d", [&]<class T>() {
    launch(avg_pool_kernel<T>, blocks_for(count), kElementThreads, 0, stream, args.x.as<T>(), args.y.as<T>(),
           args.height, args.width, args.divisor, args.x.size(3), count);
  });
}

void avg_pool_backward(const AvgPoolBackwardArgs& args, Stream stream) {
  const int64_t count = args.dx.numel();
  visit_floating(args.dx.dtype, "avg_pool2d", [&]<class T>() {
    launch(avg_pool_backward_kernel<T>, blocks_for(count), kElementThreads, 0, stream, args.grad.as<T>(),
           args.dx.as<T>(), args.height, args.width, args.divisor, args.dx.size(3), count);
  });
}

}  // namespace lv::kernels::cuda
