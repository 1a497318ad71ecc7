#include "kernels/cuda/pad.cuh"

#include "kernels/cuda/launch.h"
#include "kernels/pad.h"
#include "kernels/words.h"

namespace lv::kernels::cuda {

void pad(const PadArgs& args, Stream stream) {
  const int64_t count = args.y.numel();
  visit_words(args.y.dtype, [&]<class W>() {
    launch(pad_kernel<W>, blocks_for(count), kElementThreads, 0, stream, args.x.as<W>(), args.y.as<W>(), args.plan,
           W(args.value), count);
  });
}

}  // namespace lv::kernels::cuda
