#pragma once

#include "core/hostdev.h"

namespace lv::kernels {

/// One element, on every device.
template <class T>
LV_HOSTDEV T scaled_add_cell(T a, T b, T factor) {
  return a + factor * b;
}

}  // namespace lv::kernels
