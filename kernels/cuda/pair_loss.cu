#include "kernels/pair_loss.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/pair_loss.cuh"

namespace lv::kernels::cuda {

void pair_loss(const PairLossArgs& args, Stream stream) {
  const int64_t count = args.x.numel();
  const int64_t chunks = (count + kLossChunk - 1) / kLossChunk;
  visit_floating(args.x.dtype, "pair_loss", [&]<class T>() {
    const T* x = args.x.as<T>();
    const T* t = args.t.as<T>();
    const auto parameter = ComputeType<T>(args.parameter);
    auto* partials = args.partials.as<double>();
    visit_loss(args.loss, [&]<class F>() {
      if (!args.total.defined()) {
        launch(pair_loss_kernel<F, T>, blocks_for(count), kElementThreads, 0, stream, x, t, args.y.as<T>(), parameter,
               count);
      } else if (chunks > 0) {
        launch(pair_loss_chunk_kernel<F, T>, unsigned(chunks), kElementThreads, 0, stream, x, t, partials, parameter,
               kLossChunk, count);
      }
    });
    if (args.total.defined()) {
      launch(pair_loss_total_kernel<T>, 1, kElementThreads, 0, stream, static_cast<const double*>(partials), chunks,
             args.scale, args.total.as<T>());
    }
  });
}

void pair_loss_grad(const PairLossGradArgs& args, Stream stream) {
  const int64_t count = args.x.numel();
  visit_floating(args.x.dtype, "pair_loss_grad", [&]<class T>() {
    const PairLossGradients<T> of{args.grad.as<T>(), args.is_common_grad, args.dx.as<T>(), args.dt.as<T>()};
    visit_loss(args.loss, [&]<class F>() {
      launch(pair_loss_grad_kernel<F, T>, blocks_for(count), kElementThreads, 0, stream, args.x.as<T>(), args.t.as<T>(),
             of, ComputeType<T>(args.parameter), ComputeType<T>(args.scale), count);
    });
  });
}

}  // namespace lv::kernels::cuda
