#include "core/storage.h"

#include "core/allocator.h"

namespace lv {

void StorageImpl::release(StorageImpl* storage) noexcept {
  storage->owner_->release(storage->data);
  delete storage;
}

void StorageImpl::record_use(Stream stream) const { owner_->record_use(data, stream); }

Storage allocate_storage(int64_t bytes, Device device) {
  Allocator& owner = allocator(device);
  return Storage(new StorageImpl(owner.allocate(bytes, current_stream(device)), bytes, device, owner));
}

Storage allocate_pinned_storage(int64_t bytes) {
  Allocator& owner = pinned_allocator();
  return Storage(new StorageImpl(owner.allocate(bytes, current_stream(Device::cpu())), bytes, Device::cpu(), owner,
                                 /*pinned=*/true));
}

}  // namespace lv
