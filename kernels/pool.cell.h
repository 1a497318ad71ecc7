#pragma once

#include <cstdint>

#include "core/hostdev.h"

namespace lv::kernels {

/// Windows along one axis of a pooling. Regular: window o covers cells o * stride - padding + k * dilation. Adaptive:
/// window o covers cells floor(o * in / out) to ceil((o + 1) * in / out).
struct PoolAxis {
  int64_t in;
  int64_t out;
  int64_t kernel;  // adaptive: the longest window
  int64_t stride;
  int64_t padding;
  int64_t dilation;
  bool is_adaptive;

  /// First cell of window o; may lie in the padding.
  LV_HOSTDEV int64_t begin(int64_t o) const { return is_adaptive ? o * in / out : o * stride - padding; }
  /// Cell after the last of window o; may lie in the padding.
  LV_HOSTDEV int64_t end(int64_t o) const {
    return is_adaptive ? ((o + 1) * in + out - 1) / out : begin(o) + (kernel - 1) * dilation + 1;
  }
  /// First cell of window o inside the array.
  LV_HOSTDEV int64_t first(int64_t o) const {
    const int64_t at = begin(o);
    return at >= 0 ? at : at + (-at + dilation - 1) / dilation * dilation;
  }
  /// Cell after the last of window o inside the array.
  LV_HOSTDEV int64_t last(int64_t o) const { return end(o) < in ? end(o) : in; }
  /// Number of cell i in window o, counted in dilated steps.
  LV_HOSTDEV int64_t position(int64_t o, int64_t i) const {
    const int64_t distance = i - begin(o);
    return dilation == 1 ? distance : distance / dilation;
  }
  /// First and one past the last window that can cover cell i.
  LV_HOSTDEV int64_t first_window(int64_t i) const {
    if (is_adaptive) {
      return i * out / in;
    }
    const int64_t reach = i + padding - (kernel - 1) * dilation;
    return reach <= 0 ? 0 : (reach + stride - 1) / stride;
  }
  LV_HOSTDEV int64_t last_window(int64_t i) const {
    const int64_t past = is_adaptive ? ((i + 1) * out + in - 1) / in : (i + padding) / stride + 1;
    return past < out ? past : out;
  }
  /// Whether window o, one of the above, has a step on cell i (with dilation it may jump over it).
  LV_HOSTDEV bool covers(int64_t o, int64_t i) const { return dilation == 1 || (i - begin(o)) % dilation == 0; }
  /// Length of window o as averages count it: with the padding, but never beyond it.
  LV_HOSTDEV int64_t padded_length(int64_t o) const {
    const int64_t limit = in + padding;
    return (end(o) < limit ? end(o) : limit) - begin(o);
  }
};

/// What an average over a window divides by.
struct PoolDivisor {
  bool counts_padding;
  int64_t fixed;  // 0: none

  LV_HOSTDEV int64_t of(const PoolAxis& height, const PoolAxis& width, int64_t oh, int64_t ow) const {
    if (fixed > 0) {
      return fixed;
    }
    return counts_padding ? height.padded_length(oh) * width.padded_length(ow)
                          : (height.last(oh) - height.first(oh)) * (width.last(ow) - width.first(ow));
  }
};

/// Whether `value` replaces `best` in a maximum: the first largest wins, and NaN wins over everything. T: a scalar or a
/// vector.
template <class T>
LV_HOSTDEV auto replaces_maximum(T value, T best) {
  return (value > best) | (value != value);
}

}  // namespace lv::kernels
