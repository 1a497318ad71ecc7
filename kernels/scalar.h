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

/// Converts between any two element types: float to integer truncates, anything to bool compares with zero.
template <class To, class From>
LV_HOSTDEV To convert(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace lv::kernels
