#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include "core/cuda/driver.h"

// Device memory is host memory and work runs when it is queued, so an event has passed as soon as it is recorded.
namespace lv::cuda {

void (*on_device_memory)(void* p, int64_t bytes, bool alive) = nullptr;

namespace {

constexpr int kDevices = 1;
constexpr int64_t kAlignment = 256;

/// Sizes of the live regions, which free() reports.
struct Regions {
  std::mutex mutex;
  std::unordered_map<void*, int64_t> bytes;
};

Regions& regions() {
  static Regions instance;
  return instance;
}

void check_device(int device) {
  LV_CHECK_DEVICE(device >= 0 && device < kDevices, "cuda: device {} asked for, {} emulated", device, kDevices);
}

void check_stream(Stream stream) {
  LV_CHECK_DEVICE(stream.device.is_cuda(), "cuda: wants a stream of a cuda device, got one of {}", stream.device);
}

}  // namespace

int device_count() { return kDevices; }

void set_device(int device) { check_device(device); }

void* malloc(int64_t bytes) {
  void* p = std::aligned_alloc(kAlignment, size_t((bytes + kAlignment - 1) / kAlignment * kAlignment));
  if (p == nullptr) {
    return nullptr;
  }
  {
    const std::lock_guard lock(regions().mutex);
    regions().bytes.emplace(p, bytes);
  }
  if (on_device_memory != nullptr) {
    on_device_memory(p, bytes, true);
  }
  return p;
}

void free(void* p) noexcept {
  int64_t bytes = 0;
  {
    const std::lock_guard lock(regions().mutex);
    const auto region = regions().bytes.find(p);
    LV_CHECK_AS(CudaError, region != regions().bytes.end(), "cuda: free of {}, which malloc did not return", p);
    bytes = region->second;
    regions().bytes.erase(region);
  }
  if (on_device_memory != nullptr) {
    on_device_memory(p, bytes, false);
  }
  std::free(p);
}

void* malloc_host(int64_t bytes) {
  return std::aligned_alloc(kAlignment, size_t((bytes + kAlignment - 1) / kAlignment * kAlignment));
}

void free_host(void* p) noexcept { std::free(p); }

void memcpy_async(void* dst, const void* src, int64_t bytes, Stream stream) {
  check_stream(stream);
  if (bytes > 0) {
    std::memcpy(dst, src, size_t(bytes));
  }
}

void memset_async(void* dst, int value, int64_t bytes, Stream stream) {
  check_stream(stream);
  if (bytes > 0) {
    std::memset(dst, value, size_t(bytes));
  }
}

Stream create_stream(int device) {
  check_device(device);
  return {Device::cuda(device), std::malloc(1)};  // a handle that differs from every other stream's
}

void destroy_stream(Stream stream) noexcept { std::free(stream.handle); }

void synchronize(Stream stream) { check_stream(stream); }

Event::~Event() = default;
void Event::record(Stream stream) { check_stream(stream); }

bool Event::query() const { return true; }
void Event::synchronize() const {}
void Event::wait(Stream stream) const { check_stream(stream); }

}  // namespace lv::cuda
