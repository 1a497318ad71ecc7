#pragma once

#include "kernels/attention.h"
#include "kernels/scalar.h"
#include "kernels/simt/reduce.cuh"

namespace lv::kernels::cuda {

// A warp owns one row (a query; in the key pass, a key) of one (batch, head). The other side goes through shared memory
// in tiles of 32 rows: lane j computes the logit of row j of the tile, whose rows are one element longer than D so that
// the lanes read different banks; for sums over the tile, lane l owns channels l, l + 32, ... and the lanes hand their
// weights around. Every sum has one order, whatever the timing. D is at most 32 * kChannelsPerLane.

inline constexpr int kAttentionWarps = 4;
inline constexpr int kAttentionThreads = kAttentionWarps * 32;
inline constexpr int kTileRows = 32;
inline constexpr int kChannelsPerLane = int(kMaxAttentionDim) / 32;

/// Bias and mask of one (batch, head), by strides over queries and keys.
template <class T>
struct DeviceTerms {
  const T* bias;
  const bool* mask;
  int64_t bias_strides[4];
  int64_t mask_strides[4];

  template <class S>
  LV_DEVICE S logit(S product, const AttentionShape& shape, int64_t task, int64_t query, int64_t key) const {
    S value = product * S(shape.scale);
    const int64_t sample = int(task) / int(shape.heads);  // of 32 bits: a short division
    const int64_t head = task - sample * shape.heads;
    if (bias != nullptr) {
      value += widen(
          bias[sample * bias_strides[0] + head * bias_strides[1] + query * bias_strides[2] + key * bias_strides[3]]);
    }
    const bool is_seen =
        mask == nullptr ||
        mask[sample * mask_strides[0] + head * mask_strides[1] + query * mask_strides[2] + key * mask_strides[3]];
    return is_seen && !(shape.is_causal && key > query) ? value : S(-INFINITY);
  }
};

/// Rows first .. first + kTileRows of a head into shared memory, zeros beyond the last.
template <class T, class S>
LV_DEVICE void load_tile(const HeadRows<const T>& rows, const AttentionShape& shape, int64_t length, int64_t dim,
                         int64_t task, int64_t first, S* tile) {
  const T* from = rows.row(shape, task, first);
  const int columns = int(dim);  // indices of 32 bits: their division is short
  for (int i = int(threadIdx.x); i < kTileRows * columns; i += kAttentionThreads) {
    const int row = i / columns;
    const int d = i - row * columns;
    tile[row * (columns + 1) + d] = first + row < length ? widen(from[row * rows.row_step + d]) : S(0);
  }
}

template <class S>
LV_DEVICE S dot(const S* a, const S* b, int64_t dim) {
  S sum = 0;
  for (int64_t d = 0; d < dim; ++d) {
    sum += a[d] * b[d];
  }
  return sum;
}

/// sums[c] += sum over the lanes of weight * tile[lane][channel of c], in lane order.
template <class S>
LV_DEVICE void add_weighted_rows(S weight, const S* tile, int64_t dim, int lane, S (&sums)[kChannelsPerLane]) {
  for (int row = 0; row < kTileRows; ++row) {
    const S factor = __shfl_sync(~0U, weight, row);
#pragma unroll
    for (int c = 0; c < kChannelsPerLane; ++c) {
      if (lane + 32 * c < dim) {
        sums[c] += factor * tile[row * (dim + 1) + lane + 32 * c];
      }
    }
  }
}

/// A row into shared memory of its warp, zeros where there is none.
template <class T, class S>
LV_DEVICE void load_own_row(const T* row, bool exists, int64_t dim, int lane, S* own) {
  for (int64_t d = lane; d < dim; d += 32) {
    own[d] = exists ? widen(row[d]) : S(0);
  }
}

/// A row of sums, spread over the lanes.
template <class T, class S>
LV_DEVICE void store_own_row(const S (&sums)[kChannelsPerLane], S factor, int64_t dim, int lane, T* row) {
#pragma unroll
  for (int c = 0; c < kChannelsPerLane; ++c) {
    if (lane + 32 * c < dim) {
      row[lane + 32 * c] = convert<T>(sums[c] * factor);
    }
  }
}

template <class T, class S = ComputeType<T>>
__global__ void __launch_bounds__(kAttentionThreads)
    attention_kernel(HeadRows<const T> q, HeadRows<const T> k, HeadRows<const T> v, DeviceTerms<T> terms, HeadRows<T> o,
                     S* lse, AttentionShape shape) {
  LV_DYN_SHARED(S, shared);
  const int64_t step = shape.dim + 1;
  S* k_tile = shared;
  S* v_tile = k_tile + kTileRows * step;
  const int lane = int(threadIdx.x) % 32;
  const int warp = int(threadIdx.x) / 32;
  S* own = v_tile + kTileRows * (shape.value_dim + 1) + warp * shape.dim;
  const int64_t task = blockIdx.y;
  const int64_t query = int64_t(blockIdx.x) * kAttentionWarps + warp;
  const bool exists = query < shape.queries;
  load_own_row(q.row(shape, task, query), exists, shape.dim, lane, own);
  S largest = S(-INFINITY);
  S total = 0;
  S sums[kChannelsPerLane] = {};
  for (int64_t first = 0; first < shape.keys; first += kTileRows) {
    __syncthreads();
    load_tile(k, shape, shape.keys, shape.dim, task, first, k_tile);
    load_tile(v, shape, shape.keys, shape.value_dim, task, first, v_tile);
    __syncthreads();
    const bool has_key = exists && first + lane < shape.keys;
    const S product = dot(own, k_tile + lane * step, shape.dim);
    const S logit = has_key ? terms.logit(product, shape, task, query, first + lane) : S(-INFINITY);
    const S tile_largest = simt::warp_max(logit);
    const S next = tile_largest > largest ? tile_largest : largest;
    // While every key so far is hidden, the weights are zeros and there is nothing to rescale.
    const bool is_hidden = next == S(-INFINITY);
    const S weight = is_hidden ? S(0) : exp(logit - next);
    const S shrink = is_hidden ? S(1) : exp(largest - next);
    total = total * shrink + simt::warp_sum(weight);
#pragma unroll
    for (S& sum : sums) {
      sum *= shrink;
    }
    add_weighted_rows(weight, v_tile, shape.value_dim, lane, sums);
    largest = next;
  }
  if (exists) {
    store_own_row(sums, S(1) / total, shape.value_dim, lane, o.row(shape, task, query));
    if (lane == 0) {
      lse[task * shape.queries + query] = largest + log(total);
    }
  }
}

/// delta[row] = sum of grad * o over a query's channels. A warp for each query.
template <class T, class S = ComputeType<T>>
__global__ void attention_delta_kernel(HeadRows<const T> grad, HeadRows<const T> o, S* delta, AttentionShape shape) {
  const int lane = int(threadIdx.x) % 32;
  const int64_t row = int64_t(blockIdx.x) * kAttentionWarps + threadIdx.x / 32;  // of [B, H, Lq]
  const bool exists = row < shape.batch * shape.heads * shape.queries;
  const int64_t task = row / shape.queries;
  const int64_t query = row % shape.queries;
  S sum = 0;
  for (int64_t d = lane; exists && d < shape.value_dim; d += 32) {
    sum += widen(grad.row(shape, task, query)[d]) * widen(o.row(shape, task, query)[d]);
  }
  sum = simt::warp_sum(sum);
  if (exists && lane == 0) {
    delta[row] = sum;
  }
}

/// dq and the gradient of the bias, each where it is wanted.
template <class T, class S = ComputeType<T>>
__global__ void __launch_bounds__(kAttentionThreads)
    attention_query_kernel(HeadRows<const T> grad, HeadRows<const T> q, HeadRows<const T> k, HeadRows<const T> v,
                           DeviceTerms<T> terms, const S* lse, const S* delta, HeadRows<T> dq, T* dbias,
                           AttentionShape shape) {
  LV_DYN_SHARED(S, shared);
  const int64_t step = shape.dim + 1;
  const int64_t value_step = shape.value_dim + 1;
  S* k_tile = shared;
  S* v_tile = k_tile + kTileRows * step;
  const int lane = int(threadIdx.x) % 32;
  const int warp = int(threadIdx.x) / 32;
  S* own_q = v_tile + kTileRows * value_step + warp * (shape.dim + shape.value_dim);
  S* own_grad = own_q + shape.dim;
  const int64_t task = blockIdx.y;
  const int64_t query = int64_t(blockIdx.x) * kAttentionWarps + warp;
  const bool exists = query < shape.queries;
  const int64_t row = task * shape.queries + query;
  load_own_row(q.row(shape, task, query), exists, shape.dim, lane, own_q);
  load_own_row(grad.row(shape, task, query), exists, shape.value_dim, lane, own_grad);
  S sums[kChannelsPerLane] = {};
  for (int64_t first = 0; first < shape.keys; first += kTileRows) {
    __syncthreads();
    load_tile(k, shape, shape.keys, shape.dim, task, first, k_tile);
    load_tile(v, shape, shape.keys, shape.value_dim, task, first, v_tile);
    __syncthreads();
    const int64_t key = first + lane;
    S slope = 0;
    if (exists && key < shape.keys) {
      const S logit = terms.logit(dot(own_q, k_tile + lane * step, shape.dim), shape, task, query, key);
      slope = exp(logit - lse[row]) * (dot(own_grad, v_tile + lane * value_step, shape.value_dim) - delta[row]);
      if (dbias != nullptr) {
        dbias[row * shape.keys + key] = convert<T>(slope);
      }
    }
    add_weighted_rows(slope, k_tile, shape.dim, lane, sums);
  }
  if (exists && dq.data != nullptr) {
    store_own_row(sums, S(shape.scale), shape.dim, lane, dq.row(shape, task, query));
  }
}

/// dk and dv, each where it is wanted: a warp for each key, queries in tiles.
template <class T, class S = ComputeType<T>>
__global__ void __launch_bounds__(kAttentionThreads)
    attention_key_kernel(HeadRows<const T> grad, HeadRows<const T> q, HeadRows<const T> k, HeadRows<const T> v,
                         DeviceTerms<T> terms, const S* lse, const S* delta, HeadRows<T> dk, HeadRows<T> dv,
                         AttentionShape shape) {
  LV_DYN_SHARED(S, shared);
  const int64_t step = shape.dim + 1;
  const int64_t value_step = shape.value_dim + 1;
  S* q_tile = shared;
  S* grad_tile = q_tile + kTileRows * step;
  const int lane = int(threadIdx.x) % 32;
  const int warp = int(threadIdx.x) / 32;
  S* own_k = grad_tile + kTileRows * value_step + warp * (shape.dim + shape.value_dim);
  S* own_v = own_k + shape.dim;
  const int64_t task = blockIdx.y;
  const int64_t key = int64_t(blockIdx.x) * kAttentionWarps + warp;
  const bool exists = key < shape.keys;
  load_own_row(k.row(shape, task, key), exists, shape.dim, lane, own_k);
  load_own_row(v.row(shape, task, key), exists, shape.value_dim, lane, own_v);
  S k_sums[kChannelsPerLane] = {};
  S v_sums[kChannelsPerLane] = {};
  for (int64_t first = 0; first < shape.queries; first += kTileRows) {
    __syncthreads();
    load_tile(q, shape, shape.queries, shape.dim, task, first, q_tile);
    load_tile(grad, shape, shape.queries, shape.value_dim, task, first, grad_tile);
    __syncthreads();
    const int64_t query = first + lane;
    S weight = 0;
    S slope = 0;
    if (exists && query < shape.queries) {
      const int64_t row = task * shape.queries + query;
      weight = exp(terms.logit(dot(own_k, q_tile + lane * step, shape.dim), shape, task, query, key) - lse[row]);
      slope = weight * (dot(own_v, grad_tile + lane * value_step, shape.value_dim) - delta[row]);
    }
    add_weighted_rows(weight, grad_tile, shape.value_dim, lane, v_sums);
    add_weighted_rows(slope, q_tile, shape.dim, lane, k_sums);
  }
  if (exists && dk.data != nullptr) {
    store_own_row(k_sums, S(shape.scale), shape.dim, lane, dk.row(shape, task, key));
  }
  if (exists && dv.data != nullptr) {
    store_own_row(v_sums, S(1), shape.value_dim, lane, dv.row(shape, task, key));
  }
}

}  // namespace lv::kernels::cuda
