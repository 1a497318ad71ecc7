#include <cuda_runtime_api.h>

#include <cstdio>

#include "core/cuda/driver.h"

namespace lv::cuda {
namespace {

void check(cudaError_t status, const char* call) {
  if (status != cudaSuccess) [[unlikely]] {
    (void)cudaGetLastError();  // clears a status that is not sticky, so that the next launch is not blamed for it
    fail<CudaError>("{}: {} ({})", call, cudaGetErrorString(status), cudaGetErrorName(status));
  }
}

cudaStream_t native(Stream stream) {
  LV_CHECK_DEVICE(stream.device.is_cuda(), "cuda: wants a stream of a cuda device, got one of {}", stream.device);
  return static_cast<cudaStream_t>(stream.handle);
}

cudaEvent_t native(void* event) { return static_cast<cudaEvent_t>(event); }

/// For what must not throw; the failed call that comes first has thrown already.
void report(cudaError_t status, const char* call) noexcept {
  if (status != cudaSuccess) [[unlikely]] {
    std::fprintf(stderr, "longview: %s: %s\n", call, cudaGetErrorString(status));
  }
}

int count_devices() {
  // Without driver or device the call reports an error and leaves its output as it was.
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorNoDevice || status == cudaErrorInsufficientDriver || status == cudaErrorStubLibrary) {
    (void)cudaGetLastError();
    return 0;
  }
  check(status, "cudaGetDeviceCount");
  return count;
}

/// The pointer of an allocation call, nullptr when it was out of memory.
void* allocated(void* p, cudaError_t status, const char* call) {
  if (status == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();
    return nullptr;
  }
  check(status, call);
  return p;
}

}  // namespace

int device_count() {
  static const int count = count_devices();
  return count;
}

void set_device(int device) {
  thread_local int current = -1;
  if (device != current) {
    check(cudaSetDevice(device), "cudaSetDevice");
    current = device;
  }
}

void* malloc(int64_t bytes) {
  void* p = nullptr;
  const cudaError_t status = cudaMalloc(&p, size_t(bytes));
  return allocated(p, status, "cudaMalloc");
}

void free(void* p) noexcept { report(cudaFree(p), "cudaFree"); }

void* malloc_host(int64_t bytes) {
  void* p = nullptr;
  const cudaError_t status = cudaHostAlloc(&p, size_t(bytes), cudaHostAllocPortable);
  return allocated(p, status, "cudaHostAlloc");
}

void free_host(void* p) noexcept { report(cudaFreeHost(p), "cudaFreeHost"); }

void memcpy_async(void* dst, const void* src, int64_t bytes, Stream stream) {
  if (bytes > 0) {
    set_device(stream.device.index);
    check(cudaMemcpyAsync(dst, src, size_t(bytes), cudaMemcpyDefault, native(stream)), "cudaMemcpyAsync");
  }
}

void memset_async(void* dst, int value, int64_t bytes, Stream stream) {
  if (bytes > 0) {
    set_device(stream.device.index);
    check(cudaMemsetAsync(dst, value, size_t(bytes), native(stream)), "cudaMemsetAsync");
  }
}

Stream create_stream(int device) {
  set_device(device);
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  return {Device::cuda(device), stream};
}

void destroy_stream(Stream stream) noexcept {
  report(cudaStreamDestroy(static_cast<cudaStream_t>(stream.handle)), "cudaStreamDestroy");
}

void synchronize(Stream stream) {
  set_device(stream.device.index);
  check(cudaStreamSynchronize(native(stream)), "cudaStreamSynchronize");
}

Event::~Event() {
  if (handle_ != nullptr) {
    (void)cudaEventDestroy(native(handle_));  // fails only when the context is gone, and the event with it
  }
}

void Event::record(Stream stream) {
  set_device(stream.device.index);
  if (handle_ == nullptr) {
    cudaEvent_t event = nullptr;
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreateWithFlags");
    handle_ = event;
  }
  check(cudaEventRecord(native(handle_), native(stream)), "cudaEventRecord");
}

bool Event::query() const {
  if (handle_ == nullptr) {
    return true;
  }
  const cudaError_t status = cudaEventQuery(native(handle_));
  if (status == cudaErrorNotReady) {
    (void)cudaGetLastError();
    return false;
  }
  check(status, "cudaEventQuery");
  return true;
}

void Event::synchronize() const {
  if (handle_ != nullptr) {
    check(cudaEventSynchronize(native(handle_)), "cudaEventSynchronize");
  }
}

void Event::wait(Stream stream) const {
  if (handle_ != nullptr) {
    set_device(stream.device.index);
    check(cudaStreamWaitEvent(native(stream), native(handle_), 0), "cudaStreamWaitEvent");
  }
}

}  // namespace lv::cuda
