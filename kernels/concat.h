#pragma once

#include <span>

#include "kernels/copy.h"
#include "kernels/dispatch.h"

namespace lv::kernels {

/// y = the parts one after another along `axis`. All of one dtype of any kind; y is contiguous, parts have any layouts.
struct ConcatArgs {
  std::span<const ConstTensorRef> parts;
  TensorRef y;
  int axis = 0;
};

LV_KERNEL(concat, ConcatArgs)

/// Calls fn(copy) for each part: the copies that make up the result.
template <class Fn>
void for_each_part(const ConcatArgs& args, Fn&& fn) {
  TensorRef place = args.y;
  for (const ConstTensorRef& part : args.parts) {
    place.shape = part.shape;
    fn(CopyArgs{.x = part, .y = place});
    place.data = static_cast<std::byte*>(place.data) +
                 part.size(args.axis) * args.y.strides[args.axis] * size_bytes(args.y.dtype);
  }
}

}  // namespace lv::kernels
