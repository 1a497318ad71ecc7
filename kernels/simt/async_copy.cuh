#pragma once
// Copies from global to shared memory that run while the thread computes (cp.async). In the emulator they happen when
// they are waited for: reading too early finds the old bytes.

#include "kernels/simt/dialect.h"

namespace lv::simt {

/// Queues a copy of kBytes (4, 8 or 16) from `global` to `shared`, both aligned to kBytes. Bytes from `valid_bytes` on
/// become zero and are not read.
template <int kBytes>
LV_DEVICE void async_copy(void* shared, const void* global, int valid_bytes = kBytes) {
  static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16, "cp.async moves 4, 8 or 16 bytes");
#if defined(__CUDACC__)
  const auto address = unsigned(__cvta_generic_to_shared(shared));
  if constexpr (kBytes == 16) {  // past the first-level cache
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(global), "r"(valid_bytes)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(address), "l"(global), "n"(kBytes),
                 "r"(valid_bytes)
                 : "memory");
  }
#else
  queue_async_copy(shared, global, kBytes, valid_bytes);
#endif
}

/// Closes the group of copies that this thread queued since the last call.
LV_DEVICE void async_copy_commit() {
#if defined(__CUDACC__)
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  commit_async_copies();
#endif
}

/// Waits until at most the latest kGroups groups of this thread are under way. Other threads see the bytes after the
/// next barrier.
template <int kGroups>
LV_DEVICE void async_copy_wait() {
#if defined(__CUDACC__)
  asm volatile("cp.async.wait_group %0;" ::"n"(kGroups) : "memory");
#else
  wait_for_async_copies(kGroups);
#endif
}

}  // namespace lv::simt
