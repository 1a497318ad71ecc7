#pragma once

#include "core/device.h"

namespace lv {

/// An ordered queue of work on a device. A CPU stream runs its work at once; handle is the CUDA stream otherwise.
struct Stream {
  Device device;
  void* handle = nullptr;

  constexpr bool operator==(const Stream&) const = default;
};

/// The calling thread's current stream of `device` (the default stream until a StreamGuard changes it).
Stream current_stream(Device device);

/// Makes `stream` current on its device until the end of the scope.
class StreamGuard {
 public:
  explicit StreamGuard(Stream stream);
  ~StreamGuard();
  StreamGuard(const StreamGuard&) = delete;
  StreamGuard& operator=(const StreamGuard&) = delete;

 private:
  Stream previous_;
};

/// Waits until everything queued on `stream` has run; throws CudaError for a failed kernel.
void synchronize(Stream stream);

}  // namespace lv
