#pragma once

#include "core/stream.h"
#include "kernels/tensor_ref.h"

// LV_KERNEL(name, Args) declares one kernel for every device and the function that ops call:
//   kernels::cpu::name(args)            defined in kernels/cpu by LV_CPU_KERNEL (kernels/cpu/isa.h)
//   kernels::cuda::name(args, stream)   defined in kernels/cuda/<op>.cu
//   kernels::name(args, stream)         branches on the stream's device
// Both are declared, so a missing kernel is a link error. A build without CUDA has the second throw.

#if defined(LV_CUDA_NATIVE) || defined(LV_CUDA_EMULATED)
#define LV_CUDA_ENTRY(name, Args) void name(const Args& args, Stream stream);
#else
#define LV_CUDA_ENTRY(name, Args)                                                                           \
  inline void name(const Args&, Stream) {                                                                   \
    ::lv::fail<::lv::DeviceError>(#name ": this build has no CUDA kernels; configure with LV_CUDA=NATIVE"); \
  }
#endif

#define LV_KERNEL(name, Args)                         \
  namespace cpu {                                     \
  void name(const Args& args);                        \
  }                                                   \
  namespace cuda {                                    \
  LV_CUDA_ENTRY(name, Args)                           \
  }                                                   \
  inline void name(const Args& args, Stream stream) { \
    if (stream.device.is_cuda()) {                    \
      cuda::name(args, stream);                       \
    } else {                                          \
      cpu::name(args);                                \
    }                                                 \
  }
