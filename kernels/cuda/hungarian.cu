#include "kernels/cuda/hungarian.cuh"

#include "kernels/cuda/launch.h"
#include "kernels/hungarian.h"

namespace lv::kernels::cuda {

namespace {

template <class T>
void match(const HungarianMatchArgs& args, Stream stream) {
  const HungarianSizes sizes{args.scores.size(1), args.scores.size(2)};
  launch(hungarian_match_kernel<T>, unsigned(args.scores.size(0)), kHungarianThreads, sizes.shared_bytes(), stream,
         args.scores.as<T>(), args.rows.as<bool>(), args.columns.as<int64_t>(), args.maximize, sizes);
}

}  // namespace

void hungarian_match(const HungarianMatchArgs& args, Stream stream) {
  args.scores.dtype == DType::f64 ? match<double>(args, stream) : match<float>(args, stream);
}

}  // namespace lv::kernels::cuda
