#include "kernels/slice_backward.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/slice_backward.cuh"
#include "kernels/words.h"

namespace lv::kernels::cuda {

void slice_backward(const SliceBackwardArgs& args, Stream stream) {
  const int64_t total = args.dx.numel();
  const SliceGeometry geometry{.size = args.dx.size(1),
                               .count = args.grad.size(1),
                               .inner = args.dx.size(2),
                               .begin = args.begin,
                               .step = args.step};
  visit_words(args.dx.dtype, [&]<class W>() {
    launch(slice_backward_kernel<W>, blocks_for(total), kElementThreads, 0, stream, args.grad.as<W>(), args.dx.as<W>(),
           total, geometry);
  });
}

}  // namespace lv::kernels::cuda
