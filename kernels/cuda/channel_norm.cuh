#pragma once

#include "kernels/channel_norm.h"
#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"

// Note [Tiles of channels]
// A block has 32 x 8 threads and owns 32 channels (threadIdx.x, so that a warp reads 32 neighbours) of a tile of rows;
// the thread rows walk the tile's rows 8 apart, and their sums meet in shared memory in the order of threadIdx.y. Fewer
// than 32 channels leave lanes idle.

namespace lv::kernels::cuda {

inline constexpr int kTileChannels = 32;
inline constexpr int kTileThreadRows = 8;

/// blockIdx.x: tile of rows, counted over all groups; blockIdx.y: block of channels.
struct ChannelTiles {
  int64_t rows_per_group;
  int64_t channels;
  int64_t tile_rows;
  int64_t tiles;  // in a group

  LV_HOSTDEV int64_t group(int64_t tile) const { return tile / tiles; }
  LV_HOSTDEV int64_t first_row(int64_t tile) const { return group(tile) * rows_per_group + tile % tiles * tile_rows; }
  LV_HOSTDEV int64_t rows(int64_t tile) const {
    const int64_t left = rows_per_group - tile % tiles * tile_rows;
    return left < tile_rows ? left : tile_rows;
  }
};

/// The element of row 0 and the step between rows.
template <class T>
struct DeviceRows {
  T* data;
  int64_t step;

  LV_HOSTDEV T& at(int64_t row, int64_t c) const { return data[row * step + c]; }
};

/// The sum of the block's eight values for each channel, given to all of them. Every thread must call it.
template <class A>
LV_DEVICE A sum_thread_rows(A value) {
  LV_SHARED(A, parts, [kTileThreadRows][kTileChannels]);
  parts[threadIdx.y][threadIdx.x] = value;
  __syncthreads();
  A total = 0;
  for (int k = 0; k < kTileThreadRows; ++k) {
    total += parts[k][threadIdx.x];
  }
  __syncthreads();
  return total;
}

template <class T>
__global__ void channel_moments_kernel(DeviceRows<const T> x, ComputeType<T>* partials, ChannelTiles tiles) {
  using A = ComputeType<T>;
  const int64_t tile = blockIdx.x;
  const int64_t c = int64_t(blockIdx.y) * kTileChannels + threadIdx.x;
  const int64_t first = tiles.first_row(tile);
  const int64_t rows = c < tiles.channels ? tiles.rows(tile) : 0;
  A sum = 0;
  for (int64_t r = threadIdx.y; r < rows; r += kTileThreadRows) {
    sum += widen(x.at(first + r, c));
  }
  const A scale = A(1) / A(tiles.rows(tile));
  const A mean = sum_thread_rows(sum) * scale;
  A deviations = 0;
  A squares = 0;
  for (int64_t r = threadIdx.y; r < rows; r += kTileThreadRows) {
    const A deviation = widen(x.at(first + r, c)) - mean;
    deviations += deviation;
    squares += deviation * deviation;
  }
  deviations = sum_thread_rows(deviations);
  squares = sum_thread_rows(squares);
  if (threadIdx.y == 0 && c < tiles.channels) {
    const A correction = deviations * scale;
    partials[tile * 3 * tiles.channels + c] = mean + correction;
    partials[(tile * 3 + 2) * tiles.channels + c] = squares - deviations * correction;
  }
}

// blockIdx.x: group. The thread rows share out the group's chunks.
template <class A>
__global__ void combine_moments_kernel(const A* partials, A* mean, A* variance, ChannelTiles tiles) {
  const int64_t group = blockIdx.x;
  const int64_t c = int64_t(blockIdx.y) * kTileChannels + threadIdx.x;
  const int64_t tile_count = c < tiles.channels ? tiles.tiles : 0;
  const A* parts = partials + group * tiles.tiles * 3 * tiles.channels + c;
  const double scale = tiles.rows_per_group > 0 ? 1.0 / double(tiles.rows_per_group) : 0.0;
  double sum = 0;
  for (int64_t k = threadIdx.y; k < tile_count; k += kTileThreadRows) {
    sum += double(tiles.rows(k)) * double(parts[k * 3 * tiles.channels]);
  }
  const double center = sum_thread_rows(sum) * scale;
  double squares = 0;
  for (int64_t k = threadIdx.y; k < tile_count; k += kTileThreadRows) {
    const double distance = double(parts[k * 3 * tiles.channels]) - center;
    squares += double(parts[(k * 3 + 2) * tiles.channels]) + double(tiles.rows(k)) * distance * distance;
  }
  squares = sum_thread_rows(squares) * scale;
  if (threadIdx.y == 0 && c < tiles.channels) {
    mean[group * tiles.channels + c] = A(center);
    variance[group * tiles.channels + c] = A(squares > 0 ? squares : 0.0);
  }
}

template <class T>
__global__ void channel_affine_kernel(DeviceRows<const T> x, DeviceRows<const T> residual, DeviceRows<T> y,
                                      const ComputeType<T>* mean, const ComputeType<T>* scale,
                                      const ComputeType<T>* offset, bool relu, ChannelTiles tiles) {
  using A = ComputeType<T>;
  const int64_t tile = blockIdx.x;
  const int64_t c = int64_t(blockIdx.y) * kTileChannels + threadIdx.x;
  if (c < tiles.channels) {
    const int64_t at = tiles.group(tile) * tiles.channels + c;
    const int64_t first = tiles.first_row(tile);
    const int64_t end = first + tiles.rows(tile);
    for (int64_t row = first + threadIdx.y; row < end; row += kTileThreadRows) {
      A value = fma(widen(x.at(row, c)) - mean[at], scale[at], offset[at]);
      if (residual.data != nullptr) {
        value += widen(residual.at(row, c));
      }
      y.at(row, c) = convert<T>(relu && value < A(0) ? A(0) : value);
    }
  }
}

/// What both backward kernels read.
template <class T>
struct DeviceGradInputs {
  using A = ComputeType<T>;
  DeviceRows<const T> grad_y;
  DeviceRows<const T> x;
  DeviceRows<const T> y;
  const A* mean;
  const A* scale;
  const A* offset;
  ReluMask mask;

  /// grad_y where the ReLU was open, 0 elsewhere.
  LV_DEVICE A masked(int64_t row, int64_t c, int64_t at, A deviation) const {
    const A grad = widen(grad_y.at(row, c));
    const bool is_open = mask == ReluMask::none ||
                         (mask == ReluMask::input ? fma(deviation, scale[at], offset[at]) : widen(y.at(row, c))) > A(0);
    return is_open ? grad : A(0);
  }
};

template <class T>
__global__ void channel_grad_sums_kernel(DeviceGradInputs<T> in, DeviceRows<T> masked_grad, DeviceRows<T> grad_x,
                                         ComputeType<T>* partials, ChannelTiles tiles) {
  using A = ComputeType<T>;
  const int64_t tile = blockIdx.x;
  const int64_t c = int64_t(blockIdx.y) * kTileChannels + threadIdx.x;
  const int64_t at = tiles.group(tile) * tiles.channels + c;
  const int64_t first = tiles.first_row(tile);
  const int64_t end = first + (c < tiles.channels ? tiles.rows(tile) : 0);
  A grads = 0;
  A products = 0;
  for (int64_t row = first + threadIdx.y; row < end; row += kTileThreadRows) {
    const A deviation = widen(in.x.at(row, c)) - in.mean[at];
    const A grad = in.masked(row, c, at, deviation);
    if (masked_grad.data != nullptr) {
      masked_grad.at(row, c) = convert<T>(grad);
    }
    if (grad_x.data != nullptr) {
      grad_x.at(row, c) = convert<T>(grad * in.scale[at]);
    }
    grads += grad;
    products += grad * deviation;
  }
  grads = sum_thread_rows(grads);
  products = sum_thread_rows(products);
  if (threadIdx.y == 0 && c < tiles.channels) {
    partials[tile * 2 * tiles.channels + c] = grads;
    partials[(tile * 2 + 1) * tiles.channels + c] = products;
  }
}

// blockIdx.x: group; channels are those of both sums, side by side.
template <class A>
__global__ void combine_sums_kernel(const A* partials, A* sums, int64_t tile_count, int64_t width) {
  const int64_t group = blockIdx.x;
  const int64_t i = int64_t(blockIdx.y) * kTileChannels + threadIdx.x;
  A sum = 0;
  if (i < width) {
    for (int64_t k = threadIdx.y; k < tile_count; k += kTileThreadRows) {
      sum += partials[(group * tile_count + k) * width + i];
    }
  }
  sum = sum_thread_rows(sum);
  if (threadIdx.y == 0 && i < width) {
    sums[group * width + i] = sum;
  }
}

template <class T>
__global__ void channel_grad_kernel(DeviceGradInputs<T> in, const ComputeType<T>* slope, const ComputeType<T>* shift,
                                    DeviceRows<T> grad_x, DeviceRows<T> grad_residual, ChannelTiles tiles) {
  using A = ComputeType<T>;
  const int64_t tile = blockIdx.x;
  const int64_t c = int64_t(blockIdx.y) * kTileChannels + threadIdx.x;
  if (c < tiles.channels) {
    const int64_t at = tiles.group(tile) * tiles.channels + c;
    const int64_t first = tiles.first_row(tile);
    const int64_t end = first + tiles.rows(tile);
    for (int64_t row = first + threadIdx.y; row < end; row += kTileThreadRows) {
      const A deviation = widen(in.x.at(row, c)) - in.mean[at];
      const A grad = in.masked(row, c, at, deviation);
      if (grad_x.data != nullptr) {
        const A bend = slope != nullptr ? fma(deviation, slope[at], shift[at]) : A(0);
        grad_x.at(row, c) = convert<T>(fma(grad, in.scale[at], bend));
      }
      if (grad_residual.data != nullptr) {
        grad_residual.at(row, c) = convert<T>(grad);
      }
    }
  }
}

}  // namespace lv::kernels::cuda
