#include "kernels/channel_norm.h"

#include "kernels/cuda/channel_norm.launch.h"

namespace lv::kernels::cuda {

namespace {

constexpr int64_t kElementTileRows = 64;

template <class T, class Args>
DeviceGradInputs<T> grad_inputs(const Args& args) {
  using A = ComputeType<T>;
  return {rows_of<const T>(args.grad_y),
          rows_of<const T>(args.x),
          rows_of<const T>(args.y),
          args.mean.template as<A>(),
          args.scale.template as<A>(),
          args.offset.template as<A>(),
          args.mask};
}

}  // namespace

void channel_moments(const ChannelMomentsArgs& args, Stream stream) {
  visit_floating(args.x.dtype, "channel_moments", [&]<class T>() {
    using A = ComputeType<T>;
    const int64_t groups = args.mean.size(0);
    const ChannelTiles tiles = chunks_of(args.x, groups);
    launch(channel_moments_kernel<T>, channel_grid(groups * tiles.tiles, tiles.channels), channel_block(), 0, stream,
           rows_of<const T>(args.x), args.partials.as<A>(), tiles);
    launch(combine_moments_kernel<A>, channel_grid(groups, tiles.channels), channel_block(), 0, stream,
           static_cast<const A*>(args.partials.as<A>()), args.mean.as<A>(), args.variance.as<A>(), tiles);
  });
}

void channel_affine(const ChannelAffineArgs& args, Stream stream) {
  visit_floating(args.x.dtype, "channel_affine", [&]<class T>() {
    using A = ComputeType<T>;
    const int64_t groups = args.mean.size(0);
    const ChannelTiles tiles = tiles_of(args.x, groups, kElementTileRows);
    launch(channel_affine_kernel<T>, channel_grid(groups * tiles.tiles, tiles.channels), channel_block(), 0, stream,
           rows_of<const T>(args.x), rows_of<const T>(args.residual), rows_of<T>(args.y), args.mean.as<A>(),
           args.scale.as<A>(), args.offset.as<A>(), args.relu, tiles);
  });
}

void channel_grad_sums(const ChannelGradSumsArgs& args, Stream stream) {
  visit_floating(args.x.dtype, "channel_grad_sums", [&]<class T>() {
    using A = ComputeType<T>;
    const int64_t groups = args.mean.size(0);
    const ChannelTiles tiles = chunks_of(args.x, groups);
    launch(channel_grad_sums_kernel<T>, channel_grid(groups * tiles.tiles, tiles.channels), channel_block(), 0, stream,
           grad_inputs<T>(args), rows_of<T>(args.masked_grad), rows_of<T>(args.grad_x), args.partials.as<A>(), tiles);
    launch(combine_sums_kernel<A>, channel_grid(groups, 2 * tiles.channels), channel_block(), 0, stream,
           static_cast<const A*>(args.partials.as<A>()), args.sums.as<A>(), tiles.tiles, 2 * tiles.channels);
  });
}

void channel_grad(const ChannelGradArgs& args, Stream stream) {
  visit_floating(args.x.dtype, "channel_grad", [&]<class T>() {
    using A = ComputeType<T>;
    const int64_t groups = args.mean.size(0);
    const ChannelTiles tiles = tiles_of(args.x, groups, kElementTileRows);
    launch(channel_grad_kernel<T>, channel_grid(groups * tiles.tiles, tiles.channels), channel_block(), 0, stream,
           grad_inputs<T>(args), args.slope.as<A>(), args.shift.as<A>(), rows_of<T>(args.grad_x),
           rows_of<T>(args.grad_residual), tiles);
  });
}

}  // namespace lv::kernels::cuda
