#pragma once

#include "core/dtype.h"
#include "core/hostdev.h"

namespace lv::kernels {

/// The type in which a kernel computes on elements of type T: float for 16-bit types, T itself otherwise.
template <class T>
struct Compute {
  using type = T;
};
template <>
struct Compute<Half> {
  using type = float;
};
template <>
struct Compute<BFloat16> {
  using type = float;
};
template <class T>
using ComputeType = typename Compute<T>::type;

/// Element to compute type.
template <class T>
LV_HOSTDEV ComputeType<T> widen(T value) {
  return static_cast<ComputeType<T>>(value);
}

}  // namespace lv::kernels
