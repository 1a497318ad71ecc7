#pragma once

#include <bit>
#include <type_traits>

#include "kernels/scalar.h"

namespace lv::kernels {

/// An unsigned integer wide enough to order values of T.
template <class T>
using SortKey = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

/// A key whose order is that of the values: a < b gives a smaller key, equal values (0 and -0 too) equal keys, and NaN
/// the largest. `descending` turns the order round.
template <class T>
LV_HOSTDEV SortKey<T> sort_key(T value, bool descending) {
  using Key = SortKey<T>;
  constexpr Key kSign = Key(1) << (8 * sizeof(Key) - 1);
  const auto widened = widen(value);
  Key key;
  if constexpr (std::is_floating_point_v<ComputeType<T>>) {
    // Negative floats order against their bits. Adding 0 makes -0 a 0.
    const Key bits = std::bit_cast<Key>(widened + ComputeType<T>(0));
    key = widened != widened ? ~Key(0) : ((bits & kSign) != 0 ? ~bits : bits | kSign);
  } else if constexpr (std::is_signed_v<T>) {
    key = Key(widened) ^ kSign;
  } else {
    key = Key(widened);
  }
  return descending ? ~key : key;
}

}  // namespace lv::kernels
