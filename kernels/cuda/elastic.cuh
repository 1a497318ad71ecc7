#pragma once

#include "kernels/elastic.cell.h"
#include "kernels/scalar.h"
#include "kernels/simt/dialect.h"

namespace lv::kernels::cuda {

// Channels are fastest among the threads: neighbours read neighbouring channels of the same cells. Where an element of
// the small array belongs to up to four of the large one, a thread owns these four, so that the small array is read or
// written once.

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
    const ComputeType<T> value = widen(grad[at]);
    const ElasticTaps rows = halving_taps(o.row, sizes.height);
    const ElasticTaps columns = halving_taps(o.column, sizes.width);
    for (int a = 0; a < rows.count; ++a) {
      T* row = dx + (o.n * sizes.height + rows.first + a) * sizes.width * sizes.channels + o.c;
      for (int b = 0; b < columns.count; ++b) {
        row[(columns.first + b) * sizes.channels] =
            convert<T>(value * ComputeType<T>(rows.weights[a] * columns.weights[b]));
      }
    }
  }
}

/// The sum over two axes' taps; `first`: channel c of the image's first cell.
template <class T>
LV_DEVICE ComputeType<T> elastic_sum(const T* first, const ElasticTaps& rows, const ElasticTaps& columns, int64_t width,
                                     int64_t channels) {
  ComputeType<T> sum = 0;
  for (int a = 0; a < rows.count; ++a) {
    const T* row = first + (rows.first + a) * width * channels;
    ComputeType<T> of_row = 0;
    for (int b = 0; b < columns.count; ++b) {
      of_row += ComputeType<T>(columns.weights[b]) * widen(row[(columns.first + b) * channels]);
    }
    sum += ComputeType<T>(rows.weights[a]) * of_row;
  }
  return sum;
}

/// What follows the addition; scale and shift may be null.
template <class T>
struct ElasticFinish {
  const ComputeType<T>* scale;
  const ComputeType<T>* shift;
  bool relu;
};

template <class T>
__global__ void elastic_up_add_kernel(const T* small, const T* full, T* y, ElasticFinish<T> finish, bool is_nearest,
                                      ElasticSizes sizes, int64_t count) {
  const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) {
    const ElasticPlace o(at, sizes.height, sizes.width, sizes.channels);
    const T* image = small + o.n * sizes.half_height * sizes.half_width * sizes.channels + o.c;
    ComputeType<T> value = widen(full[at]) + elastic_sum(image, doubling_taps(o.row, sizes.half_height, is_nearest),
                                                         doubling_taps(o.column, sizes.half_width, is_nearest),
                                                         sizes.half_width, sizes.channels);
    if (finish.scale != nullptr) {
      value = value * finish.scale[o.c] + finish.shift[o.c];
    }
    y[at] = convert<T>(finish.relu && value < 0 ? ComputeType<T>(0) : value);
  }
}

template <class T>
__global__ void elastic_up_backward_kernel(const T* grad, T* dsmall, bool is_nearest, ElasticSizes sizes,
                                           int64_t count) {
  const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) {
    const ElasticPlace i(at, sizes.half_height, sizes.half_width, sizes.channels);
    const T* image = grad + i.n * sizes.height * sizes.width * sizes.channels + i.c;
    dsmall[at] = convert<T>(elastic_sum(image, doubling_grad_taps(i.row, sizes.half_height, sizes.height, is_nearest),
                                        doubling_grad_taps(i.column, sizes.half_width, sizes.width, is_nearest),
                                        sizes.width, sizes.channels));
  }
}

}  // namespace lv::kernels::cuda
