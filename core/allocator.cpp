#include "core/allocator.h"

#include <sys/mman.h>

#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

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
  cuda::Event event_;
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

constexpr int64_t kHostSegment = int64_t{64} << 20;

/// An allocator that lives until the process ends: tensors with static storage outlive every destructor.
Allocator& make_allocator(std::unique_ptr<RawAllocator> raw, bool host_memory, CachingAllocator::Options options) {
  auto caching = std::make_unique<CachingAllocator>(std::move(raw), std::move(options));
  if (debug_from_environment()) {
    return *new DebugAllocator(std::move(caching), host_memory);
  }
  return *caching.release();
}

std::vector<Allocator*> make_device_allocators() {
  std::vector<Allocator*> allocators;
  for (int i = 0; i < cuda::device_count(); ++i) {
    allocators.push_back(
        &make_allocator(std::make_unique<DeviceMemory>(i), false, {.name = fmt::format("{}", Device::cuda(i))}));
  }
  return allocators;
}

}  // namespace

Allocator& allocator(Device device) {
  if (device.is_cpu()) {
    static Allocator& cpu = make_allocator(std::make_unique<HostMemory>(), true,
                                           {.name = "cpu", .granule = 64, .least_large_segment = kHostSegment});
    return cpu;
  }
  static const std::vector<Allocator*>& devices = *new std::vector(make_device_allocators());
  LV_CHECK_DEVICE(device.index >= 0 && size_t(device.index) < devices.size(),
                  "there is no {}: {} CUDA devices are usable", device, devices.size());
  return *devices[size_t(device.index)];
}

Allocator& pinned_allocator() {
  static Allocator& pinned = [&]() -> Allocator& {
    std::unique_ptr<RawAllocator> raw = std::make_unique<HostMemory>();
    if (cuda::device_count() > 0) {
      raw = std::make_unique<PinnedMemory>();
    }
    return make_allocator(std::move(raw), true, {.name = "pinned", .host_access = true});
  }();
  return pinned;
}

}  // namespace lv
