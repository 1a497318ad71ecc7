#include "kernels/copy.h"

#include "core/copy.h"
#include "kernels/cuda/copy.cuh"
#include "kernels/cuda/launch.h"

namespace lv::kernels::cuda {

void copy(const CopyArgs& args, Stream stream) {
  const auto loop = plan_strided<2>(args.x.shape, {args.x.strides, args.y.strides});
  visit_any(args.x.dtype, [&]<class From>() {
    visit_any(args.y.dtype, [&]<class To>() {
      launch(copy_kernel<From, To>, blocks_for(loop.count), kElementThreads, 0, stream, args.x.as<From>(),
             args.y.as<To>(), loop);
    });
  });
}

namespace {

void copy_tensor(const Tensor& source, const Tensor& target) {
  copy({.x = cref(source), .y = ref(target)}, current_stream(source.device()));
}

[[maybe_unused]] const bool kIsSet = (set_device_copy(copy_tensor), true);

}  // namespace

}  // namespace lv::kernels::cuda
