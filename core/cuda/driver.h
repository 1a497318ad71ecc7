#pragma once
// The thin interface to the device, without CUDA types: everything above it is the same for the native driver, the
// emulated one (device memory is host memory, streams run inline) and builds without CUDA (every call but device_count
// throws DeviceError). Failed calls throw CudaError naming the call.

#include <cstdint>
#include <utility>

#include "core/stream.h"

namespace lv::cuda {

/// Number of usable devices; 0 without driver or device.
int device_count();

/// Makes `device` the calling thread's current one: malloc and kernel launches go there. Cheap when it already is.
void set_device(int device);

/// Memory of the current device, aligned to 256 bytes; nullptr when there is not enough.
[[nodiscard]] void* malloc(int64_t bytes);
void free(void* p);
/// Page-locked host memory; nullptr when there is not enough.
[[nodiscard]] void* malloc_host(int64_t bytes);
void free_host(void* p);

enum class CopyKind { host_to_device, device_to_host, device_to_device, host_to_host };

/// Queues a copy. Host memory takes part asynchronously only when it is page-locked.
void memcpy_async(void* dst, const void* src, int64_t bytes, CopyKind kind, Stream stream);
void memset_async(void* dst, int value, int64_t bytes, Stream stream);

/// A new stream of `device`, which does not wait for the default stream.
[[nodiscard]] Stream create_stream(int device);
void destroy_stream(Stream stream);
/// Waits until everything queued on `stream` has run.
void synchronize(Stream stream);

/// A mark in a stream.
class Event {
 public:
  /// `ordering` events are cheaper, `timing` events can be passed to elapsed_ms.
  enum class Kind { ordering, timing };

  explicit Event(Kind kind) : kind_(kind) {}
  ~Event();
  Event(Event&& other) noexcept : kind_(other.kind_), handle_(std::exchange(other.handle_, nullptr)) {}
  Event& operator=(Event&& other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(handle_, other.handle_);
    return *this;
  }

  /// Marks the work queued on `stream` so far; replaces an earlier mark.
  void record(Stream stream);
  /// True when the marked work is done or nothing was recorded.
  [[nodiscard]] bool query() const;
  /// Waits for the marked work.
  void synchronize() const;
  /// Makes later work of `stream` wait for the marked work.
  void wait(Stream stream) const;
  /// Milliseconds from `start` to `end`, both recorded, of kind timing and done.
  static double elapsed_ms(const Event& start, const Event& end);

 private:
  Kind kind_;
  void* handle_ = nullptr;
};

#if defined(LV_CUDA_EMULATED)
/// Told about every region of device memory when it comes and goes; the access checker sets it at program start.
extern void (*on_device_memory)(void* p, int64_t bytes, bool alive);
#endif

}  // namespace lv::cuda
