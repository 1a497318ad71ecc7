#include "kernels/cuda/native/handles.h"

#include <array>

#include "core/cuda/driver.h"

namespace lv::kernels::cuda {

namespace {

constexpr int kMaxDevices = 16;

/// A library's handles by device, made at first use.
template <class Handle, auto kCreate, auto kDestroy>
class HandleTable {
 public:
  HandleTable() = default;
  HandleTable(const HandleTable&) = delete;
  HandleTable& operator=(const HandleTable&) = delete;
  ~HandleTable() {
    for (Handle handle : handles_) {
      if (handle != nullptr) {
        kDestroy(handle);
      }
    }
  }

  Handle get(int device) {
    LV_CHECK_DEVICE(device >= 0 && device < kMaxDevices, "cuda: device {} is outside [0, {})", device, kMaxDevices);
    lv::cuda::set_device(device);
    Handle& handle = handles_[size_t(device)];
    if (handle == nullptr) {
      const auto status = kCreate(&handle);
      LV_CHECK_AS(CudaError, int(status) == 0, "cuda: a library handle could not be made, status {}", int(status));
    }
    return handle;
  }

 private:
  std::array<Handle, kMaxDevices> handles_{};
};

}  // namespace

cublasHandle_t cublas_handle(Stream stream) {
  thread_local HandleTable<cublasHandle_t, cublasCreate, cublasDestroy> table;
  const cublasHandle_t handle = table.get(stream.device.index);
  LV_CUBLAS(cublasSetStream(handle, static_cast<cudaStream_t>(stream.handle)));
  return handle;
}

cudnnHandle_t cudnn_handle(Stream stream) {
  thread_local HandleTable<cudnnHandle_t, cudnnCreate, cudnnDestroy> table;
  const cudnnHandle_t handle = table.get(stream.device.index);
  LV_CUDNN(cudnnSetStream(handle, static_cast<cudaStream_t>(stream.handle)));
  return handle;
}

}  // namespace lv::kernels::cuda
