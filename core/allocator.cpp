#include "core/allocator.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "core/caching_allocator.h"
#include "core/cuda/driver.h"
#include "core/debug_allocator.h"

namespace lv {
namespace {

/// Host memory, in huge pages where the system allows: fresh pages cost more than everything else that is done with
/// them.
class HostMemory final : public RawAllocator {
 public:
  [[nodiscard]] void* allocate(int64_t bytes) override {
    void* p = std::aligned_alloc(kHugePage, size_t((bytes + kHugePage - 1) / kHugePage * kHugePage));
    if (p != nullptr) {
      (void)madvise(p, size_t(bytes), MADV_HUGEPAGE);  // a hint
    }
    return p;
  }
  void free(void* p) noexcept override { std::free(p); }
  [[nodiscard]] std::unique_ptr<Fence> fence(Stream) override { return nullptr; }

 private:
  static constexpr int64_t kHugePage = int64_t{2} << 20;
};

class EventFence final : public Fence {
 public:
  explicit EventFence(Stream stream) { event_.record(stream); }
  [[nodiscard]] bool passed() override { return event_.query(); }
  void wait() override { event_.synchronize(); }

 private:
  cuda::Event event_{cuda::Event::Kind::ordering};
};

class DeviceMemory final : public RawAllocator {
 public:
  explicit DeviceMemory(int device) : device_(device) {}
  [[nodiscard]] void* allocate(int64_t bytes) override {
    cuda::set_device(device_);
    return cuda::malloc(bytes);
  }
  void free(void* p) noexcept override { cuda::free(p); }
  [[nodiscard]] std::unique_ptr<Fence> fence(Stream stream) override { return std::make_unique<EventFence>(stream); }

 private:
  int device_;
};

class PinnedMemory final : public RawAllocator {
 public:
  [[nodiscard]] void* allocate(int64_t bytes) override { return cuda::malloc_host(bytes); }
  void free(void* p) noexcept override { cuda::free_host(p); }
  [[nodiscard]] std::unique_ptr<Fence> fence(Stream stream) override { return std::make_unique<EventFence>(stream); }
};

bool debug_from_environment() {
  const char* text = std::getenv("LV_ALLOC");
  const std::string_view value = text == nullptr ? "" : text;
  LV_CHECK(value.empty() || value == "debug", "LV_ALLOC must be 'debug' or unset, got '{}'", value);
  return value == "debug";
}

// Allocators live until the process ends: tensors with static storage outlive every destructor that could be run here.
struct Registry {
  static constexpr size_t kMaxDevices = 64;

  std::mutex mutex;
  bool debug = debug_from_environment();
  bool in_use = false;
  std::atomic<Allocator*> cpu{nullptr};
  std::atomic<Allocator*> pinned{nullptr};
  std::array<std::atomic<Allocator*>, kMaxDevices> cuda{};

  /// The allocator in `slot`, made by `raw` and `options` on first use.
  template <class MakeRaw>
  Allocator& get(std::atomic<Allocator*>& slot, bool host_memory, MakeRaw&& make_raw,
                 CachingAllocator::Options options) {
    const std::lock_guard lock(mutex);
    if (slot.load(std::memory_order_relaxed) == nullptr) {
      std::unique_ptr<Allocator> made = std::make_unique<CachingAllocator>(make_raw(), std::move(options));
      if (debug) {
        made = std::make_unique<DebugAllocator>(std::move(made), host_memory);
      }
      in_use = true;
      slot.store(made.release(), std::memory_order_release);
    }
    return *slot.load(std::memory_order_relaxed);
  }
};

Registry& registry() {
  static Registry& instance = *new Registry;
  return instance;
}

}  // namespace

Allocator& allocator(Device device) {
  Registry& all = registry();
  if (device.is_cpu()) {
    if (Allocator* made = all.cpu.load(std::memory_order_acquire)) {
      return *made;
    }
    return all.get(all.cpu, true, [] { return std::make_unique<HostMemory>(); }, {.name = "cpu", .granule = 64});
  }
  LV_CHECK_DEVICE(device.index >= 0 && device.index < cuda::device_count() && size_t(device.index) < all.cuda.size(),
                  "there is no {}: {} CUDA devices are usable", device, cuda::device_count());
  std::atomic<Allocator*>& slot = all.cuda[size_t(device.index)];
  if (Allocator* made = slot.load(std::memory_order_acquire)) {
    return *made;
  }
  return all.get(slot, false, [&] { return std::make_unique<DeviceMemory>(device.index); },
                 {.name = fmt::format("{}", device)});
}

Allocator& pinned_allocator() {
  Registry& all = registry();
  if (Allocator* made = all.pinned.load(std::memory_order_acquire)) {
    return *made;
  }
  const auto make_raw = []() -> std::unique_ptr<RawAllocator> {
    if (cuda::device_count() > 0) {
      return std::make_unique<PinnedMemory>();
    }
    return std::make_unique<HostMemory>();
  };
  return all.get(all.pinned, true, make_raw, {.name = "pinned", .host_access = true});
}

void set_debug_allocator(bool enabled) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  LV_CHECK(!all.in_use || all.debug == enabled, "set_debug_allocator: allocators are already in use");
  all.debug = enabled;
}

}  // namespace lv
