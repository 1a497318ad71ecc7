#include "core/stream.h"

#include <array>
#include <utility>

#include "core/cuda/driver.h"

namespace lv {
namespace {

constexpr int kMaxDevices = 64;

/// The handle that is current on `device` for the calling thread; nullptr is the default stream.
void*& current_handle(Device device) {
  thread_local std::array<void*, kMaxDevices> handles{};
  LV_CHECK_DEVICE(device.index >= 0 && device.index < kMaxDevices, "stream: no such device: {}", device);
  return handles[size_t(device.index)];
}

}  // namespace

Stream current_stream(Device device) { return {device, device.is_cuda() ? current_handle(device) : nullptr}; }

StreamGuard::StreamGuard(Stream stream) : previous_(current_stream(stream.device)) {
  if (stream.device.is_cuda()) {
    current_handle(stream.device) = stream.handle;
  }
}

StreamGuard::~StreamGuard() {
  if (previous_.device.is_cuda()) {
    current_handle(previous_.device) = previous_.handle;
  }
}

void synchronize(Stream stream) {
  if (stream.device.is_cuda()) {
    cuda::synchronize(stream);
  }
}

}  // namespace lv
