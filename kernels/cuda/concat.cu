#include "kernels/concat.h"

namespace lv::kernels::cuda {

void concat(const ConcatArgs& args, Stream stream) {
  for_each_part(args, [&](const CopyArgs& copy_args) { cuda::copy(copy_args, stream); });
}

}  // namespace lv::kernels::cuda
