#pragma once

#include <algorithm>

#include "kernels/dispatch.h"

// What batch norm and group norm do to whole activations. An activation is seen as rows of channels, [groups * rows, C]
// with any step between rows; each group of consecutive rows has statistics and coefficients of its own, [groups, C] in
// the accumulation type (float for 16-bit activations). Activations of one call have one floating dtype.
//
// Note [Chunks of rows]
// Sums over rows are made chunk by chunk, in an order that the shape alone decides. A chunk holds about 64k elements:
// small enough to stay in a core's second-level cache while it is read twice, large enough that the partial results are
// a small part of the traffic.

namespace lv::kernels {

/// Rows of one chunk of a group, a multiple of 8.
constexpr int64_t channel_chunk_rows(int64_t channels) {
  return std::max<int64_t>(8, 65536 / std::max<int64_t>(channels, 1) / 8 * 8);
}

/// Chunks in each group.
constexpr int64_t channel_chunks(int64_t rows_per_group, int64_t channels) {
  const int64_t chunk_rows = channel_chunk_rows(channels);
  return (rows_per_group + chunk_rows - 1) / chunk_rows;
}

/// mean and variance (biased) of each channel of each group. x: [groups * rows, C]; partials: workspace of
/// [groups, chunks, 3, C]. Without rows both are 0.
///
/// Each chunk takes its own mean first and then the deviations from it, corrected by their sum, and chunks are combined
/// in double: a mean a thousand times the deviation costs no digits of the variance.
struct ChannelMomentsArgs {
  ConstTensorRef x;
  TensorRef partials;
  TensorRef mean;
  TensorRef variance;
};
LV_KERNEL(channel_moments, ChannelMomentsArgs)

/// y = (x - mean) * scale + offset [+ residual], then max(0, .) when `relu`. NaN stays NaN. result_rows: rows of the
/// whole result where y is a part of it, else 0.
struct ChannelAffineArgs {
  ConstTensorRef x;
  ConstTensorRef mean;
  ConstTensorRef scale;
  ConstTensorRef offset;
  ConstTensorRef residual;
  TensorRef y;
  bool relu = false;
  int64_t result_rows = 0;
};
LV_KERNEL(channel_affine, ChannelAffineArgs)

/// Where a fused ReLU let the gradient through.
enum class ReluMask : uint8_t {
  none,    // there was no ReLU
  input,   // where (x - mean) * scale + offset > 0, computed again by the forward kernel's very instructions
  output,  // where y > 0
};

/// sums[g, 0, c] = sum of dy, sums[g, 1, c] = sum of dy * (x - mean), with dy the masked grad_y.
/// y: only for ReluMask::output. partials: workspace of [groups, chunks, 2, C]; sums: [groups, 2, C]. masked_grad: dy
/// itself, or absent; where it is wanted, channel_grad then reads it in place of grad_y and y. grad_x: dy * scale, the
/// whole gradient when the statistics are constants, or absent.
struct ChannelGradSumsArgs {
  ConstTensorRef grad_y;
  ConstTensorRef x;
  ConstTensorRef y;
  ConstTensorRef mean;
  ConstTensorRef scale;
  ConstTensorRef offset;
  ReluMask mask = ReluMask::none;
  TensorRef partials;
  TensorRef sums;
  TensorRef masked_grad;
  TensorRef grad_x;
};
LV_KERNEL(channel_grad_sums, ChannelGradSumsArgs)

/// grad_x = dy * scale + (x - mean) * slope + shift and grad_residual = dy, with dy the masked grad_y. Either output
/// may be absent; so may slope and shift (both or neither), which stand for zero. result_rows: as in ChannelAffineArgs.
struct ChannelGradArgs {
  ConstTensorRef grad_y;
  ConstTensorRef x;
  ConstTensorRef y;
  ConstTensorRef mean;
  ConstTensorRef scale;
  ConstTensorRef offset;
  ConstTensorRef slope;
  ConstTensorRef shift;
  ReluMask mask = ReluMask::none;
  TensorRef grad_x;
  TensorRef grad_residual;
  int64_t result_rows = 0;
};
LV_KERNEL(channel_grad, ChannelGradArgs)

}  // namespace lv::kernels
