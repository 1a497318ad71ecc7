#pragma once

#include "core/hostdev.h"
#include "core/shape.h"

namespace lv::kernels {

/// Turns places in row-major order into coordinates.
struct Coordinates {
  int rank = 0;
  int64_t sizes[kMaxRank] = {};

  explicit Coordinates(const Shape& shape) : rank(shape.rank()) { std::copy(shape.begin(), shape.end(), sizes); }

  LV_HOSTDEV void write(int64_t place, int64_t* out) const {
    for (int axis = kMaxRank - 1; axis >= 0; --axis) {  // a constant count keeps the sizes in registers on a device
      if (axis < rank) {
        out[axis] = place % sizes[axis];
        place /= sizes[axis];
      }
    }
  }
};

}  // namespace lv::kernels
