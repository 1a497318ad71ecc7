#pragma once

#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/tensor_ref.h"

namespace lv::kernels::cuda {

/// The arrays of a launch: inputs, then the output.
template <class T, class... Input>
ElementArrays<T, int(sizeof...(Input))> plan_elements(const TensorRef& out, const Input&... in) {
  constexpr int kInputs = int(sizeof...(Input));
  ElementArrays<T, kInputs> arrays{.in = {in.template as<T>()...},
                                   .out = out.as<T>(),
                                   .loop = plan_strided<kInputs + 1>(out.shape, {in.strides..., out.strides}),
                                   .is_packed = false};
  const auto is_aligned = [](const void* p) { return reinterpret_cast<uintptr_t>(p) % sizeof(Pack<T>) == 0; };
  arrays.is_packed = arrays.loop.rank == 1 && arrays.loop.count % kElementsPerThread == 0 && is_aligned(out.data) &&
                     (is_aligned(in.data) && ...);
  for (int k = 0; k <= kInputs; ++k) {
    arrays.is_packed = arrays.is_packed && arrays.loop.step(k) == 1;
  }
  return arrays;
}

/// Blocks of kElementThreads that cover `count` elements.
inline unsigned element_blocks(int64_t count) {
  return blocks_for((count + kElementsPerThread - 1) / kElementsPerThread);
}

}  // namespace lv::kernels::cuda
