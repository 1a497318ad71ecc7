#pragma once

#include <cstdint>

#include "core/device.h"
#include "core/intrusive.h"
#include "core/stream.h"

namespace lv {

class Allocator;

/// A block of device memory shared by the tensors that view it. The version counts writes made after a tensor was
/// handed out, so that autograd notices a saved tensor which has changed.
class StorageImpl final : public RefCounted {
 public:
  StorageImpl(void* block, int64_t bytes, Device where, Allocator& owner, bool pinned = false)
      : data(block), size_bytes(bytes), device(where), is_pinned(pinned), owner_(&owner) {}
  static void release(StorageImpl* storage) noexcept;
  /// Work queued so far on `stream`, another than the one of allocation, uses this memory.
  void record_use(Stream stream) const;

  void* const data;
  const int64_t size_bytes;
  const Device device;
  const bool is_pinned;  // page-locked host memory
  uint32_t version = 0;

 private:
  ~StorageImpl() = default;
  Allocator* owner_;
};

using Storage = Intrusive<StorageImpl>;

/// Uninitialised memory on `device`, ordered on its current stream. Throws OutOfMemoryError.
Storage allocate_storage(int64_t bytes, Device device);

/// Uninitialised page-locked host memory, for asynchronous copies to a device.
Storage allocate_pinned_storage(int64_t bytes);

}  // namespace lv
