#pragma once

#include <cstdint>

#include "core/error.h"
#include "kernels/simt/dialect.h"

namespace lv::kernels::cuda {

using simt::launch;

/// Threads of a block in kernels with one thread per element.
inline constexpr int kElementThreads = 256;

/// Blocks of kElementThreads that cover `count` elements.
inline unsigned blocks_for(int64_t count) {
  const int64_t blocks = (count + kElementThreads - 1) / kElementThreads;
  LV_CHECK(blocks <= INT32_MAX, "cuda: {} elements are too many for one launch", count);
  return unsigned(blocks);
}

}  // namespace lv::kernels::cuda
