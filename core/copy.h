#pragma once

#include "core/tensor.h"

namespace lv {

/// Writes the elements of `source` to `target`: same shape, any dtype, layout and device. Does not touch versions.
/// Equal dtypes and contiguous layouts move as one block; everything else is converted on the host.
void copy_elements(const Tensor& source, const Tensor& target);

/// Clears memory of `device`, ordered on its current stream.
void fill_zero_bytes(void* data, int64_t bytes, Device device);

}  // namespace lv
