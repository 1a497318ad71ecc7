#include "kernels/nonzero.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/nonzero.cuh"

namespace lv::kernels::cuda {

static_assert(kNonzeroChunk % kElementThreads == 0, "all threads of a block take part in every round");

void count_nonzero(const CountNonzeroArgs& args, Stream stream) {
  visit_any(args.x.dtype, [&]<class T>() {
    launch(count_nonzero_kernel<T>, unsigned(args.counts.numel()), kElementThreads, 0, stream, args.x.as<T>(),
           args.x.numel(), kNonzeroChunk, args.counts.as<int64_t>());
  });
}

void nonzero_positions(const NonzeroPositionsArgs& args, Stream stream) {
  visit_any(args.x.dtype, [&]<class T>() {
    launch(nonzero_positions_kernel<T>, unsigned(args.starts.numel()), kElementThreads, 0, stream, args.x.as<T>(),
           args.x.numel(), kNonzeroChunk, args.starts.as<int64_t>(), Coordinates(args.x.shape),
           args.positions.as<int64_t>());
  });
}

}  // namespace lv::kernels::cuda
