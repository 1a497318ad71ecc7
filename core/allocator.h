#pragma once

#include <cstdint>

#include "core/device.h"
#include "core/stream.h"

namespace lv {

/// Counters of an allocator. Peaks are since the start or the last reset_peak().
struct AllocatorStats {
  int64_t allocated_bytes = 0;  ///< asked for by live allocations
  int64_t peak_allocated_bytes = 0;
  int64_t reserved_bytes = 0;  ///< held from the system, in use or cached
  int64_t peak_reserved_bytes = 0;
  int64_t allocation_count = 0;      ///< calls of allocate
  int64_t raw_allocation_count = 0;  ///< calls that had to go to the system
};

/// Gives out memory of one device. Safe to call from several threads.
class Allocator {
 public:
  virtual ~Allocator() = default;

  /// Memory for `bytes` bytes (0 is allowed), aligned to at least 64, to be used by work on `stream`: it may have
  /// belonged to earlier work of that stream. Throws OutOfMemoryError naming the largest live allocations.
  [[nodiscard]] virtual void* allocate(int64_t bytes, Stream stream) = 0;
  /// Takes memory back (nullptr is ignored). Work that is already queued on its stream may still use it.
  virtual void release(void* p) noexcept = 0;
  /// Tells that work queued so far on another stream than that of allocate uses `p`: after its release the memory is
  /// not given out again before that work is done. For pinned memory: on any stream, as the host does not wait for
  /// streams.
  virtual void record_use(void* p, Stream stream) = 0;
  /// Gives memory that nobody uses back to the system.
  virtual void trim() = 0;

  [[nodiscard]] virtual AllocatorStats stats() const = 0;
  virtual void reset_peak() = 0;
};

/// The allocator of `device`, a caching one; with LV_ALLOC=debug in the environment inside a DebugAllocator. Throws
/// DeviceError when there is no such device.
Allocator& allocator(Device device);

/// Page-locked host memory, which asynchronous copies need; plain host memory where there is no CUDA device.
Allocator& pinned_allocator();

}  // namespace lv
