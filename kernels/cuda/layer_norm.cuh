#pragma once

#include "kernels/cuda/channel_norm.cuh"
#include "kernels/simt/reduce.cuh"

namespace lv::kernels::cuda {

inline constexpr int kWarpsOfRows = 4;

// One warp per row; lane t owns columns t, t + 32, ... The sums meet by shuffles in a fixed order. The second reading
// of a row comes from the first-level cache. Rows past the end keep the warp in the shuffles without touching memory.
template <class T>
__global__ void layer_norm_kernel(DeviceRows<const T> x, const ComputeType<T>* weight, const ComputeType<T>* bias,
                                  ComputeType<T> eps, DeviceRows<T> y, ComputeType<T>* mean, ComputeType<T>* inv_std,
                                  int64_t rows, int64_t channels) {
  using A = ComputeType<T>;
  const int64_t row = int64_t(blockIdx.x) * kWarpsOfRows + threadIdx.y;
  const int64_t columns = row < rows ? channels : 0;
  const A scale = A(1) / A(channels);
  A sum = 0;
  for (int64_t c = threadIdx.x; c < columns; c += 32) {
    sum += widen(x.at(row, c));
  }
  const A center = simt::warp_sum(sum) * scale;
  A deviations = 0;
  A squares = 0;
  for (int64_t c = threadIdx.x; c < columns; c += 32) {
    const A deviation = widen(x.at(row, c)) - center;
    deviations += deviation;
    squares += deviation * deviation;
  }
  const A correction = simt::warp_sum(deviations) * scale;
  const A variance = simt::warp_sum(squares) * scale - correction * correction;
  const A corrected = center + correction;
  const A factor = A(1) / std::sqrt((variance > A(0) ? variance : A(0)) + eps);
  for (int64_t c = threadIdx.x; c < columns; c += 32) {
    const A normal = (widen(x.at(row, c)) - corrected) * factor;
    const A w = weight != nullptr ? weight[c] : A(1);
    y.at(row, c) = convert<T>(fma(normal, w, bias != nullptr ? bias[c] : A(0)));
  }
  if (threadIdx.x == 0 && row < rows) {
    mean[row] = corrected;
    inv_std[row] = factor;
  }
}

// As layer_norm_kernel.
template <class T>
__global__ void layer_norm_grad_kernel(DeviceRows<const T> grad_y, DeviceRows<const T> x, const ComputeType<T>* weight,
                                       const ComputeType<T>* mean, const ComputeType<T>* inv_std, DeviceRows<T> grad_x,
                                       int64_t rows, int64_t channels) {
  using A = ComputeType<T>;
  const int64_t row = int64_t(blockIdx.x) * kWarpsOfRows + threadIdx.y;
  const int64_t columns = row < rows ? channels : 0;
  const A center = row < rows ? mean[row] : A(0);
  const A factor = row < rows ? inv_std[row] : A(0);
  A sum = 0;
  A product = 0;
  for (int64_t c = threadIdx.x; c < columns; c += 32) {
    const A grad = widen(grad_y.at(row, c)) * (weight != nullptr ? weight[c] : A(1));
    sum += grad;
    product += grad * ((widen(x.at(row, c)) - center) * factor);
  }
  const A shift = -factor / A(channels) * simt::warp_sum(sum);
  const A slope = -factor / A(channels) * factor * simt::warp_sum(product);
  for (int64_t c = threadIdx.x; c < columns; c += 32) {
    const A grad = widen(grad_y.at(row, c)) * (weight != nullptr ? weight[c] : A(1));
    grad_x.at(row, c) = convert<T>(fma(grad, factor, fma(widen(x.at(row, c)) - center, slope, shift)));
  }
}

// The shares of a tile of rows in the gradients of weight and bias; Note [Tiles of channels].
template <class T>
__global__ void layer_norm_parameter_sums_kernel(DeviceRows<const T> grad_y, DeviceRows<const T> x,
                                                 const ComputeType<T>* mean, const ComputeType<T>* inv_std,
                                                 ComputeType<T>* partials, ChannelTiles tiles) {
  using A = ComputeType<T>;
  const int64_t tile = blockIdx.x;
  const int64_t c = int64_t(blockIdx.y) * kTileChannels + threadIdx.x;
  const int64_t first = tiles.first_row(tile);
  const int64_t end = first + (c < tiles.channels ? tiles.rows(tile) : 0);
  A weight_sum = 0;
  A bias_sum = 0;
  for (int64_t row = first + threadIdx.y; row < end; row += kTileThreadRows) {
    const A grad = widen(grad_y.at(row, c));
    weight_sum += grad * ((widen(x.at(row, c)) - mean[row]) * inv_std[row]);
    bias_sum += grad;
  }
  weight_sum = sum_thread_rows(weight_sum);
  bias_sum = sum_thread_rows(bias_sum);
  if (threadIdx.y == 0 && c < tiles.channels) {
    partials[tile * 2 * tiles.channels + c] = weight_sum;
    partials[(tile * 2 + 1) * tiles.channels + c] = bias_sum;
  }
}

}  // namespace lv::kernels::cuda
