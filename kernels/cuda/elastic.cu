#include "kernels/cuda/elastic.cuh"

#include "kernels/cuda/launch.h"
#include "kernels/elastic.h"

namespace lv::kernels::cuda {

namespace {

ElasticSizes sizes_of(const Shape& full, const Shape& half) { return {full[1], full[2], half[1], half[2], full[3]}; }

/// Launches a kernel that works on tiles, the one for cells that are repeated or the one that is linear.
template <class T, class... Params, class... Args>
void launch_on_tiles(bool is_nearest, void (*nearest)(Params...), void (*linear)(Params...), int64_t images,
                     const ElasticSizes& sizes, Stream stream, const Args&... args) {
  const int64_t tiles = images * elastic_tiles(sizes.half_height) * elastic_tiles(sizes.half_width);
  const int64_t channel_blocks = (sizes.channels + kElasticChannels<T> - 1) / kElasticChannels<T>;
  launch(is_nearest ? nearest : linear, {unsigned(tiles), unsigned(channel_blocks)},
         {unsigned(kElasticChannels<T>), unsigned(kElasticCellThreads<T>)}, 0, stream, args..., sizes);
}

}  // namespace

void elastic_down(const ElasticDownArgs& args, Stream stream) {
  const int64_t count = args.y.numel();
  visit_floating(args.x.dtype, "elastic_downsample", [&]<class T>() {
    launch(elastic_down_kernel<T>, blocks_for(count), kElementThreads, 0, stream, args.x.as<T>(), args.y.as<T>(),
           sizes_of(args.x.shape, args.y.shape), count);
  });
}

void elastic_down_backward(const ElasticDownBackwardArgs& args, Stream stream) {
  const int64_t count = args.grad.numel();
  visit_floating(args.dx.dtype, "elastic_downsample", [&]<class T>() {
    launch(elastic_down_backward_kernel<T>, blocks_for(count), kElementThreads, 0, stream, args.grad.as<T>(),
           args.dx.as<T>(), sizes_of(args.dx.shape, args.grad.shape), count);
  });
}

void elastic_up_add(const ElasticUpAddArgs& args, Stream stream) {
  visit_floating(args.y.dtype, "elastic_upsample_add", [&]<class T>() {
    using A = ComputeType<T>;
    const ElasticFinish<T> finish{args.scale.as<A>(), args.shift.as<A>(), args.relu};
    launch_on_tiles<T>(args.is_nearest, elastic_up_add_kernel<T, true>, elastic_up_add_kernel<T, false>, args.y.size(0),
                       sizes_of(args.y.shape, args.small.shape), stream, args.small.as<T>(), args.full.as<T>(),
                       args.y.as<T>(), finish);
  });
}

void elastic_up_backward(const ElasticUpBackwardArgs& args, Stream stream) {
  visit_floating(args.dsmall.dtype, "elastic_upsample_add", [&]<class T>() {
    launch_on_tiles<T>(args.is_nearest, elastic_up_backward_kernel<T, true>, elastic_up_backward_kernel<T, false>,
                       args.dsmall.size(0), sizes_of(args.grad.shape, args.dsmall.shape), stream, args.grad.as<T>(),
                       args.dsmall.as<T>());
  });
}

}  // namespace lv::kernels::cuda
