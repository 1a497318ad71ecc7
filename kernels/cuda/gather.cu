#include "kernels/gather.h"

#include "kernels/cuda/gather.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/words.h"

namespace lv::kernels::cuda {

namespace {

/// `larger` has the axis that is indexed, `smaller` the axis of chosen elements.
GatherGeometry geometry(const ConstTensorRef& larger, const ConstTensorRef& smaller) {
  return {.outer = smaller.size(0), .size = larger.size(1), .count = smaller.size(1), .inner = smaller.size(2)};
}

/// What stands for an element outside: all bits set are a NaN in every floating type.
template <class W>
W missing(DType dtype) {
  return is_floating(dtype) ? W(~W(0)) : W(0);
}

}  // namespace

void gather(const GatherArgs& args, Stream stream) {
  visit_words(args.y.dtype, [&]<class W>() {
    launch(gather_kernel<W>, blocks_for(args.y.numel()), kElementThreads, 0, stream, args.x.as<W>(),
           args.index.as<int64_t>(), args.y.as<W>(), geometry(args.x, args.y), missing<W>(args.y.dtype));
  });
}

void scatter_add(const ScatterAddArgs& args, Stream stream) {
  visit_floating(args.src.dtype, "scatter_add", [&]<class T>() {
    launch(scatter_add_kernel<T>, blocks_for(args.src.size(0) * args.src.size(2)), kElementThreads, 0, stream,
           args.src.as<T>(), args.index.as<int64_t>(), args.y.as<ComputeType<T>>(), geometry(args.y, args.src));
  });
}

void take_rows(const TakeRowsArgs& args, Stream stream) {
  visit_words(args.y.dtype, [&]<class W>() {
    launch(take_rows_kernel<W>, blocks_for(args.y.numel()), kElementThreads, 0, stream, args.x.as<W>(),
           args.index.as<int64_t>(), args.y.as<W>(), geometry(args.x, args.y), args.skip, missing<W>(args.y.dtype));
  });
}

void add_rows(const AddRowsArgs& args, Stream stream) {
  visit_floating(args.src.dtype, "add_rows", [&]<class T>() {
    launch(add_rows_kernel<T>, blocks_for(args.src.numel()), kElementThreads, 0, stream, args.src.as<T>(),
           args.index.as<int64_t>(), args.order.as<int64_t>(), args.y.as<T>(), geometry(args.y, args.src), args.skip);
  });
}

void one_hot(const OneHotArgs& args, Stream stream) {
  visit_any(args.y.dtype, [&]<class T>() {
    launch(one_hot_kernel<T>, blocks_for(args.y.numel()), kElementThreads, 0, stream, args.index.as<int64_t>(),
           args.y.as<T>(), args.y.size(0), args.y.size(1));
  });
}

}  // namespace lv::kernels::cuda
