#include "core/copy.h"

#include <cstring>

#include "core/cuda/driver.h"
#include "core/stream.h"

namespace lv {

namespace {

template <class From, class To>
To convert(From value) {
  if constexpr (std::is_same_v<From, To>) {
    return value;
  } else if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
    return convert<float, To>(float(value));
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(float(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else {
    return static_cast<To>(value);
  }
}

template <class From, class To>
void copy_strided(const From* source, const Strides& from, To* target, const Strides& to, const Shape& shape,
                  int axis) {
  if (axis == shape.rank()) {
    *target = convert<From, To>(*source);
    return;
  }
  for (int64_t i = 0; i < shape[axis]; ++i) {
    copy_strided(source + i * from[axis], from, target + i * to[axis], to, shape, axis + 1);
  }
}

void copy_on_host(const Tensor& source, const Tensor& target) {
  visit_any(source.dtype(), [&]<class From>() {
    visit_any(target.dtype(), [&]<class To>() {
      copy_strided(source.data<From>(), source.strides(), target.data<To>(), target.strides(), source.shape(), 0);
    });
  });
}

cuda::CopyKind copy_kind(Device from, Device to) {
  if (from.is_cuda()) {
    return to.is_cuda() ? cuda::CopyKind::device_to_device : cuda::CopyKind::device_to_host;
  }
  return to.is_cuda() ? cuda::CopyKind::host_to_device : cuda::CopyKind::host_to_host;
}

/// Moves one block; waits when the host is an end of the move, since the caller may use or free it at once.
void copy_block(const Tensor& source, const Tensor& target) {
  const cuda::CopyKind kind = copy_kind(source.device(), target.device());
  if (kind == cuda::CopyKind::host_to_host) {
    std::memmove(target.raw_data(), source.raw_data(), size_t(source.size_bytes()));
    return;
  }
  const Stream stream = current_stream(source.device().is_cuda() ? source.device() : target.device());
  cuda::memcpy_async(target.raw_data(), source.raw_data(), source.size_bytes(), kind, stream);
  if (kind != cuda::CopyKind::device_to_device) {
    synchronize(stream);
  }
}

/// All of a tensor's storage as one row of its elements.
Tensor whole_storage(const Tensor& tensor) {
  return tensor.as_strided({tensor.storage()->size_bytes / size_bytes(tensor.dtype())}, {1}, 0);
}

/// A host tensor with the layout of `tensor`, over a copy of its whole storage.
Tensor mirror_on_host(const Tensor& tensor) {
  const Tensor all = whole_storage(tensor);
  const Tensor host = Tensor::empty(all.shape(), tensor.dtype());
  copy_block(all, host);
  return host.as_strided(tensor.shape(), tensor.strides(), tensor.offset());
}

}  // namespace

void copy_elements(const Tensor& source, const Tensor& target) {
  if (source.numel() == 0) {
    return;
  }
  const bool is_one_block = (source.is_contiguous() && target.is_contiguous()) ||
                            (source.strides() == target.strides() && is_dense(source.shape(), source.strides()));
  if (source.dtype() == target.dtype() && is_one_block) {
    copy_block(source, target);
    return;
  }
  const Tensor host_source = source.device().is_cpu() ? source : mirror_on_host(source);
  if (target.device().is_cpu()) {
    copy_on_host(host_source, target);
    return;
  }
  // The elements between those of a strided target come back as they were.
  const Tensor host_target = mirror_on_host(target);
  copy_on_host(host_source, host_target);
  copy_block(whole_storage(host_target), whole_storage(target));
}

void copy_async(const Tensor& source, const Tensor& target, Stream stream) {
  LV_CHECK_SHAPE(source.shape() == target.shape() && source.is_contiguous() && target.is_contiguous(),
                 "copy_async: wants contiguous tensors of one shape, got {} strides {} and {} strides {}",
                 source.shape(), source.strides(), target.shape(), target.strides());
  LV_CHECK_DTYPE(source.dtype() == target.dtype(), "copy_async: dtypes differ: {} and {}", source.dtype(),
                 target.dtype());
  for (const Tensor* tensor : {&source, &target}) {
    LV_CHECK_DEVICE(tensor->device().is_cuda() || tensor->storage()->is_pinned,
                    "copy_async: host memory must be page-locked; make the tensor with Tensor::empty_pinned");
  }
  cuda::memcpy_async(target.raw_data(), source.raw_data(), source.size_bytes(),
                     copy_kind(source.device(), target.device()), stream);
  source.storage()->record_use(stream);
  target.storage()->record_use(stream);
  target.bump_version();
}

void fill_zero_bytes(void* data, int64_t bytes, Device device) {
  if (bytes == 0) {
    return;
  }
  if (device.is_cpu()) {
    std::memset(data, 0, size_t(bytes));
  } else {
    cuda::memset_async(data, 0, bytes, current_stream(device));
  }
}

}  // namespace lv
