#pragma once

#include <cublas_v2.h>
#include <cudnn.h>

#include "core/error.h"
#include "core/stream.h"

// The library handles of the calling thread, one for each device, and the checks of every library call.

namespace lv::kernels::cuda {

/// Bound to `stream` for the calls that follow. Handles live as long as the thread.
cublasHandle_t cublas_handle(Stream stream);
cudnnHandle_t cudnn_handle(Stream stream);

}  // namespace lv::kernels::cuda

#define LV_CUBLAS(call)                                                                               \
  do {                                                                                                \
    if (const cublasStatus_t status_ = (call); status_ != CUBLAS_STATUS_SUCCESS) [[unlikely]] {       \
      ::lv::fail<::lv::CudaError>("cuBLAS: {} returned {}", #call, ::cublasGetStatusString(status_)); \
    }                                                                                                 \
  } while (false)

#define LV_CUDNN(call)                                                                             \
  do {                                                                                             \
    if (const cudnnStatus_t status_ = (call); status_ != CUDNN_STATUS_SUCCESS) [[unlikely]] {      \
      ::lv::fail<::lv::CudaError>("cuDNN: {} returned {}", #call, ::cudnnGetErrorString(status_)); \
    }                                                                                              \
  } while (false)
