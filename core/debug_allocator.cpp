#include "core/debug_allocator.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/cuda/driver.h"
#include "core/op_hook.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace lv {
namespace {

constexpr int kGuardByte = 0xFD;
constexpr int kFreshByte = 0xFF;
constexpr int64_t kGuardBytes = 256;  // keeps the alignment of the memory between
constexpr int64_t total_bytes(int64_t bytes) { return kGuardBytes + bytes + kGuardBytes; }
constexpr int64_t kKeptBytes = int64_t{64} << 20;

/// Forbids or allows every access to host memory, where the address sanitizer watches it.
void set_accessible([[maybe_unused]] const void* p, [[maybe_unused]] int64_t bytes, [[maybe_unused]] bool accessible) {
#if defined(__SANITIZE_ADDRESS__)
  if (accessible) {
    ASAN_UNPOISON_MEMORY_REGION(p, size_t(bytes));
  } else {
    ASAN_POISON_MEMORY_REGION(p, size_t(bytes));
  }
#endif
}

}  // namespace

DebugAllocator::DebugAllocator(std::unique_ptr<Allocator> inner, bool host_memory)
    : inner_(std::move(inner)), host_memory_(host_memory) {}

DebugAllocator::~DebugAllocator() {
  const auto give_back = [&](const Entry& entry) {
    if (host_memory_) {
      set_accessible(entry.base, total_bytes(entry.bytes), true);
    }
    inner_->release(entry.base);
  };
  for (const auto& [address, entry] : live_) {
    give_back(entry);
  }
  std::for_each(released_.begin(), released_.end(), give_back);
}

void* DebugAllocator::allocate(int64_t bytes, Stream stream) {
  LV_CHECK(bytes >= 0, "debug allocator: cannot allocate {} bytes", bytes);
  const std::lock_guard lock(mutex_);
  while (released_bytes_ > kKeptBytes) {
    drop_oldest();
  }
  const int64_t total = total_bytes(bytes);
  void* base = nullptr;
  try {
    base = inner_->allocate(total, stream);
  } catch (const OutOfMemoryError&) {
    if (released_.empty()) {
      throw;
    }
    while (!released_.empty()) {
      drop_oldest();
    }
    base = inner_->allocate(total, stream);
  }
  Entry entry{static_cast<std::byte*>(base), bytes, stream, current_op(), {}};
  std::byte* payload = entry.base + kGuardBytes;
  fill(entry.base, kGuardByte, kGuardBytes, stream);
  fill(payload, kFreshByte, bytes, stream);
  fill(payload + bytes, kGuardByte, kGuardBytes, stream);
  if (host_memory_) {
    set_accessible(entry.base, kGuardBytes, false);
    set_accessible(payload + bytes, kGuardBytes, false);
  }
  live_.emplace(payload, std::move(entry));
  ++stats_.allocation_count;
  stats_.allocated_bytes += bytes;
  stats_.peak_allocated_bytes = std::max(stats_.peak_allocated_bytes, stats_.allocated_bytes);
  return payload;
}

void DebugAllocator::release(void* p) noexcept {
  if (p == nullptr) {
    return;
  }
  const std::lock_guard lock(mutex_);
  // An error below ends the program with its text: memory is corrupt.
  find(p, "release");
  Entry entry = std::move(live_.extract(p).mapped());
  stats_.allocated_bytes -= entry.bytes;
  std::string damaged;
  try {
    for (const Stream stream : entry.uses) {
      synchronize(stream);
    }
    damaged = guard_damage(entry);
    fill(entry.base + kGuardBytes, kFreshByte, entry.bytes, entry.stream);
  } catch (const CudaError&) {
    return;  // the device has failed, which its next call reports; its memory is neither checked nor given out again
  }
  LV_CHECK(damaged.empty(), "{}", damaged);
  if (host_memory_) {
    set_accessible(entry.base, total_bytes(entry.bytes), false);
  }
  released_bytes_ += total_bytes(entry.bytes);
  released_.push_back(std::move(entry));
}

void DebugAllocator::record_use(void* p, Stream stream) {
  if (p == nullptr) {
    return;
  }
  const std::lock_guard lock(mutex_);
  find(p, "record_use");
  live_.at(p).uses.push_back(stream);
}

void DebugAllocator::trim() {
  const std::lock_guard lock(mutex_);
  while (!released_.empty()) {
    drop_oldest();
  }
  inner_->trim();
}

AllocatorStats DebugAllocator::stats() const {
  const std::lock_guard lock(mutex_);
  const AllocatorStats inner = inner_->stats();
  AllocatorStats stats = stats_;
  stats.reserved_bytes = inner.reserved_bytes;
  stats.peak_reserved_bytes = inner.peak_reserved_bytes;
  stats.raw_allocation_count = inner.raw_allocation_count;
  return stats;
}

void DebugAllocator::reset_peak() {
  const std::lock_guard lock(mutex_);
  stats_.peak_allocated_bytes = stats_.allocated_bytes;
  inner_->reset_peak();
}

std::string DebugAllocator::damage(const void* p) const {
  const std::lock_guard lock(mutex_);
  return guard_damage(find(p, "damage"));
}

void DebugAllocator::check_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [address, entry] : live_) {
    const std::string damaged = guard_damage(entry);
    LV_CHECK(damaged.empty(), "{}", damaged);
  }
  for (const Entry& entry : released_) {
    const std::string damaged = poison_damage(entry);
    LV_CHECK(damaged.empty(), "{}", damaged);
  }
}

void DebugAllocator::fill(std::byte* p, int value, int64_t bytes, Stream stream) const {
  if (host_memory_) {
    set_accessible(p, bytes, true);
    std::memset(p, value, size_t(bytes));
  } else {
    cuda::memset_async(p, value, bytes, stream);
  }
}

/// Offset of the first of `bytes` bytes that is not `value`; `bytes` when all are.
int64_t DebugAllocator::first_difference(const std::byte* p, int value, int64_t bytes, Stream stream) const {
  std::vector<std::byte> copy;
  const std::byte* host = p;
  if (host_memory_) {
    set_accessible(p, bytes, true);
  } else {
    copy.resize(size_t(bytes));
    cuda::memcpy_async(copy.data(), p, bytes, stream);
    cuda::synchronize(stream);
    host = copy.data();
  }
  const auto differs = [&](std::byte b) { return b != std::byte(value); };
  const int64_t offset = std::find_if(host, host + bytes, differs) - host;
  if (host_memory_) {
    set_accessible(p, bytes, false);
  }
  return offset;
}

std::string DebugAllocator::guard_damage(const Entry& entry) const {
  const int64_t front = first_difference(entry.base, kGuardByte, kGuardBytes, entry.stream);
  if (front < kGuardBytes) {
    return damage_text(entry, "before", front - kGuardBytes);
  }
  const std::byte* end = entry.base + kGuardBytes + entry.bytes;
  const int64_t back = first_difference(end, kGuardByte, kGuardBytes, entry.stream);
  return back < kGuardBytes ? damage_text(entry, "behind", entry.bytes + back) : std::string();
}

std::string DebugAllocator::poison_damage(const Entry& entry) const {
  const int64_t at = first_difference(entry.base + kGuardBytes, kFreshByte, entry.bytes, entry.stream);
  return at < entry.bytes ? damage_text(entry, "after the release of", at) : std::string();
}

std::string DebugAllocator::damage_text(const Entry& entry, std::string_view where, int64_t offset) {
  return fmt::format("memory allocated by {}: something wrote {} its {} bytes, at offset {}",
                     entry.op.empty() ? "(no op)" : entry.op, where, entry.bytes, offset);
}

/// Lets the memory that was released first go back into use.
void DebugAllocator::drop_oldest() {
  const Entry entry = std::move(released_.front());
  released_.pop_front();
  const int64_t total = total_bytes(entry.bytes);
  released_bytes_ -= total;
  const std::string damaged = poison_damage(entry);
  if (host_memory_) {
    set_accessible(entry.base, total, true);
  }
  inner_->release(entry.base);
  LV_CHECK(damaged.empty(), "{}", damaged);
}

const DebugAllocator::Entry& DebugAllocator::find(const void* p, const char* call) const {
  const auto found = live_.find(p);
  LV_CHECK(found != live_.end(), "debug allocator: {} of {}, which is not a live allocation", call, p);
  return found->second;
}

}  // namespace lv
