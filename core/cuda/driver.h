#pragma once
// The thin interface to the device, without CUDA types: everything above it is the same for the native driver, the
// emulated one (kernels/simt/driver: device memory is host memory, streams run inline) and builds without CUDA (every
// call but device_count throws DeviceError). Failed calls throw CudaError naming the call.

#include <cstdint>

#include "core/stream.h"

namespace lv::cuda {

/// Number of usable devices; 0 without driver or device.
int device_count();

/// Makes `device` the calling thread's current one: malloc and kernel launches go there. Cheap when it already is.
void set_device(int device);

/// Memory of the current device, aligned to 256 bytes; nullptr when there is not enough.
[[nodiscard]] void* malloc(int64_t bytes);
/// Never throws: after a fault of the device every call fails, and tensors must still be able to go. Says so on stderr.
void free(void* p) noexcept;
/// Page-locked host memory; nullptr when there is not enough.
[[nodiscard]] void* malloc_host(int64_t bytes);
void free_host(void* p) noexcept;

/// Queues a copy between any two memories. Host memory takes part asynchronously only when it is page-locked.
void memcpy_async(void* dst, const void* src, int64_t bytes, Stream stream);
void memset_async(void* dst, int value, int64_t bytes, Stream stream);

/// A new stream of `device`, which does not wait for the default stream.
[[nodiscard]] Stream create_stream(int device);
void destroy_stream(Stream stream) noexcept;
/// Waits until everything queued on `stream` has run.
void synchronize(Stream stream);

/// A mark in a stream.
class Event {
 public:
  Event() = default;
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Marks the work queued on `stream` so far; replaces an earlier mark.
  void record(Stream stream);
  /// True when the marked work is done or nothing was recorded.
  [[nodiscard]] bool query() const;
  /// Waits for the marked work.
  void synchronize() const;
  /// Makes later work of `stream` wait for the marked work.
  void wait(Stream stream) const;

 private:
  void* handle_ = nullptr;
};

#if defined(LV_CUDA_EMULATED)
/// Told about every region of device memory when it comes and goes; the access checker sets it at program start.
extern void (*on_device_memory)(void* p, int64_t bytes, bool alive);
#endif

}  // namespace lv::cuda
