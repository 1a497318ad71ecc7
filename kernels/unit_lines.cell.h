#pragma once

#include <cmath>

#include "core/hostdev.h"

// Per-line arithmetic of kernels/unit_lines.h. V: float, double or a SIMD vector of them; a comparison of vectors gives
// a mask for select, one of scalars a bool.

namespace lv::kernels {

/// Gradient of a line: grad_x = grad_y * scale + x * slope.
template <class V>
struct UnitLineSlopes {
  V scale;
  V slope;
  V grad_gain;
};

/// dot: the line's sum of grad_y * x.
template <class V, class Select>
LV_HOSTDEV UnitLineSlopes<V> unit_line_slopes(V dot, V norm, V gain, V eps, Select select) {
  const V divisor = select(norm >= eps, norm, eps);
  const V scale = gain / divisor;
  return {scale, select(norm >= eps, -scale * dot / (norm * norm), V(0)), dot / divisor};
}

/// Gradient of one side of a pair: grad_a = grad_y * (b * cross - a * own).
template <class V>
struct CosineSlopes {
  V cross;
  V own;
};

template <class V, class Select>
LV_HOSTDEV CosineSlopes<V> cosine_slopes(V cosine, V own_norm, V other_norm, V eps, Select select) {
  return {V(1) / (own_norm * other_norm), select(own_norm > eps, cosine / (own_norm * own_norm), V(0))};
}

}  // namespace lv::kernels
