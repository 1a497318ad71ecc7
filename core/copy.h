#pragma once

#include "core/stream.h"
#include "core/tensor.h"

namespace lv {

/// Writes the elements of `source` to `target`: same shape, any dtype, layout and device. Does not touch versions.
/// Equal dtypes and contiguous layouts move as one block; everything else is converted where it lies.
void copy_elements(const Tensor& source, const Tensor& target);

/// Converts and reorders between two tensors of one CUDA device, on its current stream. It is a kernel, and core cannot
/// call kernels: kernels/cuda/copy.cu sets it when the program starts.
using DeviceCopy = void (*)(const Tensor& source, const Tensor& target);
void set_device_copy(DeviceCopy copy);

/// Queues a copy between page-locked host memory (Tensor::empty_pinned) and a device on `stream`, and returns at once:
/// the host must leave both tensors alone until the stream is synchronised. Same shape and dtype, both contiguous.
/// Throws otherwise.
void copy_async(const Tensor& source, const Tensor& target, Stream stream);

/// Clears memory of `device`, ordered on its current stream.
void fill_zero_bytes(void* data, int64_t bytes, Device device);

}  // namespace lv
