#include "kernels/layer_norm.h"

#include "kernels/cuda/channel_norm.launch.h"
#include "kernels/cuda/layer_norm.cuh"

namespace lv::kernels::cuda {

namespace {

unsigned row_blocks(int64_t rows) {
  const int64_t blocks = (rows + kWarpsOfRows - 1) / kWarpsOfRows;
  LV_CHECK(blocks <= INT32_MAX, "layer_norm: {} rows are too many for one launch", rows);
  return unsigned(blocks);
}

dim3 row_block() { return dim3(32, kWarpsOfRows); }

}  // namespace

void layer_norm(const LayerNormArgs& args, Stream stream) {
  visit_floating(args.x.dtype, "layer_norm", [&]<class T>() {
    using A = ComputeType<T>;
    launch(layer_norm_kernel<T>, row_blocks(args.x.size(0)), row_block(), 0, stream, rows_of<const T>(args.x),
           args.weight.as<A>(), args.bias.as<A>(), A(args.eps), rows_of<T>(args.y), args.mean.as<A>(),
           args.inv_std.as<A>(), args.x.size(0), args.x.size(1));
  });
}

void layer_norm_grad(const LayerNormGradArgs& args, Stream stream) {
  visit_floating(args.x.dtype, "layer_norm_grad", [&]<class T>() {
    using A = ComputeType<T>;
    if (args.grad_x.defined()) {
      launch(layer_norm_grad_kernel<T>, row_blocks(args.x.size(0)), row_block(), 0, stream,
             rows_of<const T>(args.grad_y), rows_of<const T>(args.x), args.weight.as<A>(), args.mean.as<A>(),
             args.inv_std.as<A>(), rows_of<T>(args.grad_x), args.x.size(0), args.x.size(1));
    }
    if (args.parameter_grads.defined()) {
      const ChannelTiles tiles = chunks_of(args.x, 1);
      A* partials = args.partials.as<A>();
      launch(layer_norm_parameter_sums_kernel<T>, channel_grid(tiles.tiles, tiles.channels), channel_block(), 0, stream,
             rows_of<const T>(args.grad_y), rows_of<const T>(args.x), args.mean.as<A>(), args.inv_std.as<A>(), partials,
             tiles);
      launch(combine_sums_kernel<A>, channel_grid(1, 2 * tiles.channels), channel_block(), 0, stream,
             static_cast<const A*>(partials), args.parameter_grads.as<A>(), tiles.tiles, 2 * tiles.channels);
    }
  });
}

}  // namespace lv::kernels::cuda
