#include "kernels/channel_norm.h"

#include "kernels/cuda/channel_norm.cuh"
#include "kernels/cuda/launch.h"

namespace lv::kernels::cuda {

namespace {

constexpr int64_t kElementTileRows = 64;

ChannelTiles tiles_of(const ConstTensorRef& x, int64_t groups, int64_t tile_rows) {
  const int64_t rows = x.size(0) / std::max<int64_t>(groups, 1);
  return {rows, x.size(1), tile_rows, (rows + tile_rows - 1) / tile_rows};
}

ChannelTiles chunks_of(const ConstTensorRef& x, int64_t groups) {
  return tiles_of(x, groups, channel_chunk_rows(x.size(1)));
}

dim3 grid_of(int64_t row_blocks, int64_t channels) {
  const int64_t channel_blocks = (channels + kTileChannels - 1) / kTileChannels;
  LV_CHECK(row_blocks <= INT32_MAX && channel_blocks <= UINT16_MAX,
           "cuda: a norm of {} tiles of {} channels is too large for one launch", row_blocks, channels);
  return dim3(unsigned(row_blocks), unsigned(channel_blocks));
}

dim3 block() { return dim3(kTileChannels, kTileThreadRows); }

template <class T, class Ref>
DeviceRows<T> rows_of(const Ref& ref) {
  return {ref.template as<std::remove_const_t<T>>(), ref.defined() ? ref.strides[0] : 0};
}

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
    launch(channel_moments_kernel<T>, grid_of(groups * tiles.tiles, tiles.channels), block(), 0, stream,
           rows_of<const T>(args.x), args.partials.as<A>(), tiles);
    launch(combine_moments_kernel<A>, grid_of(groups, tiles.channels), block(), 0, stream,
           static_cast<const A*>(args.partials.as<A>()), args.mean.as<A>(), args.variance.as<A>(), tiles);
  });
}

void channel_affine(const ChannelAffineArgs& args, Stream stream) {
  visit_floating(args.x.dtype, "channel_affine", [&]<class T>() {
    using A = ComputeType<T>;
    const int64_t groups = args.mean.size(0);
    const ChannelTiles tiles = tiles_of(args.x, groups, kElementTileRows);
    launch(channel_affine_kernel<T>, grid_of(groups * tiles.tiles, tiles.channels), block(), 0, stream,
           rows_of<const T>(args.x), rows_of<const T>(args.residual), rows_of<T>(args.y), args.mean.as<A>(),
           args.scale.as<A>(), args.offset.as<A>(), args.relu, tiles);
  });
}

void channel_grad_sums(const ChannelGradSumsArgs& args, Stream stream) {
  visit_floating(args.x.dtype, "channel_grad_sums", [&]<class T>() {
    using A = ComputeType<T>;
    const int64_t groups = args.mean.size(0);
    const ChannelTiles tiles = chunks_of(args.x, groups);
    launch(channel_grad_sums_kernel<T>, grid_of(groups * tiles.tiles, tiles.channels), block(), 0, stream,
           grad_inputs<T>(args), args.partials.as<A>(), tiles);
    launch(combine_sums_kernel<A>, grid_of(groups, 2 * tiles.channels), block(), 0, stream,
           static_cast<const A*>(args.partials.as<A>()), args.sums.as<A>(), tiles.tiles, 2 * tiles.channels);
  });
}

void channel_grad(const ChannelGradArgs& args, Stream stream) {
  visit_floating(args.x.dtype, "channel_grad", [&]<class T>() {
    using A = ComputeType<T>;
    const int64_t groups = args.mean.size(0);
    const ChannelTiles tiles = tiles_of(args.x, groups, kElementTileRows);
    launch(channel_grad_kernel<T>, grid_of(groups * tiles.tiles, tiles.channels), block(), 0, stream,
           grad_inputs<T>(args), args.slope.as<A>(), args.shift.as<A>(), rows_of<T>(args.grad_x),
           rows_of<T>(args.grad_residual), tiles);
  });
}

}  // namespace lv::kernels::cuda
