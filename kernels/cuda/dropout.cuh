#pragma once

#include "core/philox.h"
#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"

namespace lv::kernels::cuda {

// One thread per element.
template <class T>
__global__ void dropout_kernel(const T* x, T* y, PhiloxKey key, int64_t run, float rate, float scale, int64_t count) {
  const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < count) {
    const float factor = random_uniform(key, i / run) >= rate ? scale : 0.0F;
    y[i] = convert<T>(widen(x[i]) * ComputeType<T>(factor));
  }
}

}  // namespace lv::kernels::cuda
