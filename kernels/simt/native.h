#pragma once
// The dialect under nvcc. Included through dialect.h only.

#include <cuda_runtime.h>
#include <cxxabi.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <type_traits>

#include "core/cuda/driver.h"
#include "core/error.h"
#include "core/stream.h"

#define LV_DEVICE __device__ __forceinline__
#define LV_SHARED(type, name, ...) __shared__ __align__(16) type name __VA_ARGS__
#define LV_DYN_SHARED(type, name)                                    \
  extern __shared__ __align__(16) unsigned char lv_dynamic_shared[]; \
  type* name = reinterpret_cast<type*>(lv_dynamic_shared)

namespace lv::simt {

/// Throws CudaError, naming the kernel, unless `status` is success.
inline void check_launch(cudaError_t status, const void* kernel) {
  if (status == cudaSuccess) {
    return;
  }
  const char* symbol = nullptr;
  std::string name = "?";
  if (cudaFuncGetName(&symbol, kernel) == cudaSuccess && symbol != nullptr) {
    const std::unique_ptr<char, void (*)(void*)> plain(abi::__cxa_demangle(symbol, nullptr, nullptr, nullptr),
                                                       std::free);
    name = plain != nullptr ? plain.get() : symbol;
  }
  throw CudaError("kernel " + name + ": " + cudaGetErrorString(status));
}

/// Queues `kernel` over `grid` x `block` threads with `shared_bytes` of dynamic shared memory on `stream`; a grid with
/// a zero dimension is nothing to do. Throws DeviceError if `stream` is not one of a cuda device and CudaError, naming
/// the kernel, if the launch is invalid or earlier work has failed.
template <class... Params, class... Args>
void launch(void (*kernel)(Params...), dim3 grid, dim3 block, int64_t shared_bytes, Stream stream,
            const Args&... args) {
  static_assert((std::is_trivially_copyable_v<Params> && ...), "kernel parameters are copied to the device as bytes");
  static_assert((!std::is_reference_v<Params> && ...), "a kernel cannot refer to an object of the host");
  LV_CHECK_DEVICE(stream.device.is_cuda(), "launch: wants a stream of a cuda device, got one of {}", stream.device);
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) {
    return;
  }
  const auto* address = reinterpret_cast<const void*>(kernel);
  constexpr int64_t kSharedWithoutAsking = 48 << 10;
  cuda::set_device(stream.device.index);
  if (shared_bytes > kSharedWithoutAsking) {
    check_launch(cudaFuncSetAttribute(address, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared_bytes)),
                 address);
  }
  kernel<<<grid, block, size_t(shared_bytes), static_cast<cudaStream_t>(stream.handle)>>>(args...);
  check_launch(cudaGetLastError(), address);
}

}  // namespace lv::simt
