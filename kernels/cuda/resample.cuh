#pragma once

#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"

namespace lv::kernels::cuda {

struct ResampleSizes {
  int64_t in_height, in_width, out_height, out_width, channels;
};

// One thread per output element, channels fastest. The tables are small and shared by all channels: they stay in cache.
template <class T>
__global__ void resample2d_kernel(const T* x, T* y, const int32_t* h_start, const ComputeType<T>* h_weights,
                                  int64_t h_taps, const int32_t* w_start, const ComputeType<T>* w_weights,
                                  int64_t w_taps, ResampleSizes sizes, int64_t count) {
  const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) {
    const int64_t c = at % sizes.channels;
    const int64_t ow = at / sizes.channels % sizes.out_width;
    const int64_t line = at / sizes.channels / sizes.out_width;
    const int64_t oh = line % sizes.out_height;
    const T* image = x + line / sizes.out_height * sizes.in_height * sizes.in_width * sizes.channels + c;
    ComputeType<T> sum = 0;
    for (int64_t a = 0; a < h_taps; ++a) {
      const ComputeType<T> row_weight = h_weights[oh * h_taps + a];
      for (int64_t b = 0; b < w_taps; ++b) {
        const ComputeType<T> weight = row_weight * w_weights[ow * w_taps + b];
        if (weight != 0) {
          sum += weight * widen(image[((h_start[oh] + a) * sizes.in_width + w_start[ow] + b) * sizes.channels]);
        }
      }
    }
    y[at] = convert<T>(sum);
  }
}

}  // namespace lv::kernels::cuda
