#include "kernels/cuda/scan.cuh"

#include <algorithm>

#include "kernels/cuda/launch.h"
#include "kernels/scan.h"

namespace lv::kernels::cuda {

namespace {

StridedLoop<2> plan_lines(Shape shape, int axis, const Strides& out, const Strides& in) {
  shape[axis] = 1;
  return plan_strided<2>(shape, {out, in});
}

}  // namespace

void arg_reduce(const ArgReduceArgs& args, Stream stream) {
  const auto lines = plan_lines(args.x.shape, args.axis, args.index.strides, args.x.strides);
  const int64_t blocks = (lines.count + kScanWarps - 1) / kScanWarps;
  LV_CHECK(blocks <= INT32_MAX, "arg_reduce: {} lines are too many for one launch", lines.count);
  visit_floating(args.x.dtype, "arg_reduce", [&]<class T>() {
    launch(arg_reduce_kernel<T>, unsigned(blocks), dim3(kScanLanes, kScanWarps), 0, stream, args.x.as<T>(),
           args.index.as<int64_t>(), lines, args.x.shape[args.axis], args.x.strides[args.axis], args.is_largest);
  });
}

void cumsum(const CumsumArgs& args, Stream stream) {
  const auto lines = plan_lines(args.x.shape, args.axis, args.y.strides, args.x.strides);
  const int64_t length = args.x.shape[args.axis];
  const int64_t step = args.x.strides[args.axis];
  constexpr int64_t kManyLines = 2048;  // enough of them to keep a device busy with a thread each
  const bool by_blocks = lines.count <= INT32_MAX && (step == 1 || lines.count < kManyLines);
  const int64_t threads = std::clamp<int64_t>((length + 31) / 32 * 32, 32, kElementThreads);
  visit_floating(args.x.dtype, "cumsum", [&]<class T>() {
    launch(by_blocks ? cumsum_line_kernel<T> : cumsum_kernel<T>,
           by_blocks ? unsigned(lines.count) : blocks_for(lines.count),
           by_blocks ? unsigned(threads) : unsigned(kElementThreads), 0, stream, args.x.as<T>(), args.y.as<T>(), lines,
           length, step, args.y.strides[args.axis], args.is_reverse);
  });
}

}  // namespace lv::kernels::cuda
