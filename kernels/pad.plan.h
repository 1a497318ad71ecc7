#pragma once

#include "core/hostdev.h"
#include "core/shape.h"

namespace lv::kernels {

/// Where x lies in y, with as few axes as the pads allow: an axis without pads is part of the one before it.
struct PadPlan {
  int rank = 0;
  int64_t in[kMaxRank + 1] = {};      // sizes of x
  int64_t out[kMaxRank + 1] = {};     // sizes of y
  int64_t before[kMaxRank + 1] = {};  // elements of y before those of x

  /// To be called from the first axis to the last.
  void add_axis(int64_t in_size, int64_t out_size, int64_t before_size) {
    if (rank > 0 && in_size == out_size) {
      in[rank - 1] *= in_size;
      out[rank - 1] *= in_size;
      before[rank - 1] *= in_size;
    } else {
      in[rank] = in_size;
      out[rank] = out_size;
      before[rank] = before_size;
      ++rank;
    }
  }

  /// The offset in x of what stands at the first `axes` axes' `index`-th place in y, in units of the axes that follow;
  /// -1 in a pad.
  LV_HOSTDEV int64_t source(int64_t index, int axes) const {
    int64_t offset = 0;
    int64_t step = 1;
    bool is_inside = true;
    for (int axis = axes - 1; axis >= 0; --axis) {
      const int64_t at = index % out[axis] - before[axis];
      index /= out[axis];
      is_inside = is_inside && at >= 0 && at < in[axis];
      offset += at * step;
      step *= in[axis];
    }
    return is_inside ? offset : -1;
  }
};

}  // namespace lv::kernels
