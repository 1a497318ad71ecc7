#pragma once

#include "core/parallel.h"
#include "kernels/conv.h"
#include "kernels/cpu/gather_shape.h"

// Convolutions and their input gradients as gathers from pixels.

namespace lv::kernels::cpu::LV_ISA {

/// The weights [O, KH, KW, I] of one group.
struct GroupSizes {
  int64_t in, out;
  int64_t filter;  // elements between output channels

  GroupSizes(const ConvShape& shape, const Shape& weight)
      : in(weight[3]), out(weight[0] / shape.groups), filter(weight[1] * weight[2] * weight[3]) {}
};

/// Outputs of an axis that are `step` apart, from `first`, and the offsets at which they read the other array.
struct AxisPhase {
  int64_t first, step, count;
  std::vector<int64_t> taps = {}, offsets = {};
};

/// The one phase of the forward pass.
inline AxisPhase forward_phase(const ConvAxis& axis) {
  AxisPhase phase{.first = 0, .step = 1, .count = axis.out};
  for (int64_t tap = 0; tap < axis.kernel; ++tap) {
    phase.taps.push_back(tap);
    phase.offsets.push_back(tap * axis.dilation - axis.padding);
  }
  return phase;
}

/// Input positions `first`, first + stride, ..: those meet the same taps, whose outputs lie next to each other.
inline AxisPhase backward_phase(const ConvAxis& axis, int64_t first) {
  AxisPhase phase{.first = first, .step = axis.stride, .count = chunk_count(axis.in - first, axis.stride)};
  for (int64_t tap = 0; tap < axis.kernel; ++tap) {
    const int64_t scaled = first + axis.padding - tap * axis.dilation;
    if (scaled % axis.stride == 0) {
      phase.taps.push_back(tap);
      phase.offsets.push_back(scaled / axis.stride);
    }
  }
  return phase;
}

/// One phase of a convolution or of its input gradient; `from` and `to` are [N, H, W, C].
inline GatherShape gather_shape(const AxisPhase& lines, const AxisPhase& columns, const Shape& from, const Shape& to) {
  GatherShape shape{.images = to[0],
                    .lines = lines.count,
                    .columns = columns.count,
                    .in_lines = from[1],
                    .in_columns = from[2],
                    .taps = {},
                    .in_pixel = from[3],
                    .out_image = to[1] * to[2] * to[3],
                    .out_line = lines.step * to[2] * to[3],
                    .out_pixel = columns.step * to[3]};
  for (const int64_t line : lines.offsets) {
    for (const int64_t column : columns.offsets) {
      shape.taps.push_back({line, column});
    }
  }
  return shape;
}

/// The forward pass.
inline GatherShape forward_shape(const ConvShape& conv, const Shape& x, const Shape& y) {
  GatherShape shape = gather_shape(forward_phase(conv.height), forward_phase(conv.width), x, y);
  shape.line_step = conv.height.stride;
  shape.column_step = conv.width.stride;
  return shape;
}

/// The pixels of a pointwise convolution as one line.
inline void flatten(GatherShape& shape) {
  shape.columns *= shape.images * shape.lines;
  shape.in_columns = shape.columns;
  shape.images = shape.lines = shape.in_lines = 1;
}

/// Where the taps' weights begin, less the first.
inline std::vector<int64_t> tap_offsets(const AxisPhase& lines, const AxisPhase& columns, const Shape& weight) {
  std::vector<int64_t> offsets;
  for (const int64_t line : lines.taps) {
    for (const int64_t column : columns.taps) {
      offsets.push_back((line * weight[2] + column) * weight[3]);
    }
  }
  return offsets;
}

}  // namespace lv::kernels::cpu::LV_ISA
