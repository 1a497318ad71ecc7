#pragma once

#include "kernels/elastic.cell.h"
#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"

namespace lv::kernels::cuda {

// Channels are fastest among the threads: neighbours read neighbouring channels of the same cells. Halving has one
// thread per element of the small array, which owns the up to four of the large one.

struct ElasticSizes {
  int64_t height, width, half_height, half_width, channels;
};

/// What a thread that counts [n, row, column, c] of an array of `rows` x `columns` cells has.
struct ElasticPlace {
  int64_t n, row, column, c;

  LV_HOSTDEV ElasticPlace(int64_t index, int64_t rows, int64_t columns, int64_t channels)
      : n(index / channels / columns / rows),
        row(index / channels / columns % rows),
        column(index / channels % columns),
        c(index % channels) {}
};

template <class T>
__global__ void elastic_down_kernel(const T* x, T* y, ElasticSizes sizes, int64_t count) {
  const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) {
    const ElasticPlace o(at, sizes.half_height, sizes.half_width, sizes.channels);
    const ElasticTaps rows = halving_taps(o.row, sizes.height);
    const ElasticTaps columns = halving_taps(o.column, sizes.width);
    ComputeType<T> sum = 0;
    for (int a = 0; a < rows.count; ++a) {
      const T* row = x + (o.n * sizes.height + rows.first + a) * sizes.width * sizes.channels + o.c;
      for (int b = 0; b < columns.count; ++b) {
        sum += widen(row[(columns.first + b) * sizes.channels]);
      }
    }
    y[at] = convert<T>(sum * ComputeType<T>(rows.weights[0] * columns.weights[0]));
  }
}

template <class T>
__global__ void elastic_down_backward_kernel(const T* grad, T* dx, ElasticSizes sizes, int64_t count) {
  const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) {
    const ElasticPlace o(at, sizes.half_height, sizes.half_width, sizes.channels);
    const ElasticTaps rows = halving_taps(o.row, sizes.height);
    const ElasticTaps columns = halving_taps(o.column, sizes.width);
    const T share = convert<T>(widen(grad[at]) * ComputeType<T>(rows.weights[0] * columns.weights[0]));
    for (int a = 0; a < rows.count; ++a) {
      T* row = dx + (o.n * sizes.height + rows.first + a) * sizes.width * sizes.channels + o.c;
      for (int b = 0; b < columns.count; ++b) {
        row[(columns.first + b) * sizes.channels] = share;
      }
    }
  }
}

// Doubling: a block owns kElasticTile x kElasticTile cells of the small array, the four times as many of the large one,
// and some channels. What it reads of one array stands in shared memory with a border, so that memory is read little
// more than once. Beyond the array the border repeats its outermost cells, and the weights 3/4 and 1/4 hold everywhere.

inline constexpr int kElasticTile = 8;
inline constexpr int kElasticThreads = 256;

/// Channels of a block: f64 fits in shared memory with fewer.
template <class T>
inline constexpr int kElasticChannels = sizeof(ComputeType<T>) == 8 ? 16 : 32;

/// Threads of a block for each channel, which share its cells.
template <class T>
inline constexpr int kElasticCellThreads = kElasticThreads / kElasticChannels<T>;

LV_HOSTDEV int64_t elastic_tiles(int64_t cells) { return (cells + kElasticTile - 1) / kElasticTile; }

/// A block's first cell of the small array. blockIdx.x counts [n, tile row, tile column], blockIdx.y blocks of
/// channels.
struct ElasticPatch {
  int64_t n, row, column;

  LV_DEVICE explicit ElasticPatch(const ElasticSizes& sizes) {
    const int64_t columns = elastic_tiles(sizes.half_width);
    const int64_t rows = elastic_tiles(sizes.half_height);
    n = blockIdx.x / columns / rows;
    row = blockIdx.x / columns % rows * kElasticTile;
    column = blockIdx.x % columns * kElasticTile;
  }
};

LV_DEVICE int64_t elastic_clamp(int64_t i, int64_t size) { return i < 0 ? 0 : i < size ? i : size - 1; }

/// What follows the addition; scale and shift may be null.
template <class T>
struct ElasticFinish {
  const ComputeType<T>* scale;
  const ComputeType<T>* shift;
  bool relu;

  LV_DEVICE T operator()(ComputeType<T> value, int64_t c) const {
    if (scale != nullptr) {
      value = value * scale[c] + shift[c];
    }
    return convert<T>(relu && value < 0 ? ComputeType<T>(0) : value);
  }
};

template <class T, bool kIsNearest>
__global__ void elastic_up_add_kernel(const T* small, const T* full, T* y, ElasticFinish<T> finish,
                                      ElasticSizes sizes) {
  using A = ComputeType<T>;
  constexpr int kSide = kElasticTile + 2;
  LV_SHARED(A, cells, [kSide * kSide][kElasticChannels<T>]);
  const ElasticPatch patch(sizes);
  const int64_t c = int64_t(blockIdx.y) * kElasticChannels<T> + threadIdx.x;
  const bool has_channel = c < sizes.channels;
  for (int k = int(threadIdx.y); k < kSide * kSide; k += kElasticCellThreads<T>) {
    const int64_t row = elastic_clamp(patch.row + k / kSide - 1, sizes.half_height);
    const int64_t column = elastic_clamp(patch.column + k % kSide - 1, sizes.half_width);
    const int64_t at = ((patch.n * sizes.half_height + row) * sizes.half_width + column) * sizes.channels + c;
    cells[k][threadIdx.x] = has_channel ? widen(small[at]) : A(0);
  }
  __syncthreads();
  for (int k = int(threadIdx.y); k < 4 * kElasticTile * kElasticTile; k += kElasticCellThreads<T>) {
    const int row_in_tile = k / (2 * kElasticTile);
    const int column_in_tile = k % (2 * kElasticTile);
    const int64_t row = 2 * patch.row + row_in_tile;
    const int64_t column = 2 * patch.column + column_in_tile;
    if (has_channel && row < sizes.height && column < sizes.width) {
      const int near = (row_in_tile / 2 + 1) * kSide + column_in_tile / 2 + 1;
      A value = cells[near][threadIdx.x];
      if constexpr (!kIsNearest) {
        const int down = row_in_tile % 2 == 0 ? -kSide : kSide;
        const int right = column_in_tile % 2 == 0 ? -1 : 1;
        value = A(0.5625) * value + A(0.1875) * (cells[near + down][threadIdx.x] + cells[near + right][threadIdx.x]) +
                A(0.0625) * cells[near + down + right][threadIdx.x];
      }
      const int64_t at = ((patch.n * sizes.height + row) * sizes.width + column) * sizes.channels + c;
      y[at] = finish(widen(full[at]) + value, c);
    }
  }
}

template <class T, bool kIsNearest>
__global__ void elastic_up_backward_kernel(const T* grad, T* dsmall, ElasticSizes sizes) {
  using A = ComputeType<T>;
  constexpr int kSide = 2 * kElasticTile + 2;
  LV_SHARED(A, cells, [kSide * kSide][kElasticChannels<T>]);
  const ElasticPatch patch(sizes);
  const int64_t c = int64_t(blockIdx.y) * kElasticChannels<T> + threadIdx.x;
  const bool has_channel = c < sizes.channels;
  for (int k = int(threadIdx.y); k < kSide * kSide; k += kElasticCellThreads<T>) {
    const int64_t row = elastic_clamp(2 * patch.row + k / kSide - 1, 2 * sizes.half_height);
    const int64_t column = elastic_clamp(2 * patch.column + k % kSide - 1, 2 * sizes.half_width);
    const bool exists = has_channel && row < sizes.height && column < sizes.width;  // an odd size was cropped
    const int64_t at = ((patch.n * sizes.height + row) * sizes.width + column) * sizes.channels + c;
    cells[k][threadIdx.x] = exists ? widen(grad[at]) : A(0);
  }
  __syncthreads();
  for (int k = int(threadIdx.y); k < kElasticTile * kElasticTile; k += kElasticCellThreads<T>) {
    const int64_t row = patch.row + k / kElasticTile;
    const int64_t column = patch.column + k % kElasticTile;
    if (has_channel && row < sizes.half_height && column < sizes.half_width) {
      const int corner = k / kElasticTile * 2 * kSide + k % kElasticTile * 2;
      A sum = 0;
#pragma unroll
      for (int a = 0; a < 4; ++a) {
#pragma unroll
        for (int b = 0; b < 4; ++b) {
          const A weight = kIsNearest ? A(1) : (a % 3 == 0 ? A(0.25) : A(0.75)) * (b % 3 == 0 ? A(0.25) : A(0.75));
          if (!kIsNearest || (a % 3 != 0 && b % 3 != 0)) {
            sum += weight * cells[corner + a * kSide + b][threadIdx.x];
          }
        }
      }
      dsmall[((patch.n * sizes.half_height + row) * sizes.half_width + column) * sizes.channels + c] = convert<T>(sum);
    }
  }
}

}  // namespace lv::kernels::cuda
