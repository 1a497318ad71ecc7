#pragma once

#include "core/dtype.h"
#include "core/error.h"

namespace lv::kernels {

/// Calls `fn.template operator()<W>()` with the unsigned integer as wide as `dtype`: for kernels that only move
/// elements.
template <class Fn>
decltype(auto) visit_words(DType dtype, Fn&& fn) {
  switch (size_bytes(dtype)) {
    case 8:
      return fn.template operator()<uint64_t>();
    case 4:
      return fn.template operator()<uint32_t>();
    case 2:
      return fn.template operator()<uint16_t>();
    default:
      return fn.template operator()<uint8_t>();
  }
}

}  // namespace lv::kernels
