#include "core/copy.h"

#include <algorithm>
#include <cstring>

#include "core/cuda/driver.h"
#include "core/parallel.h"
#include "core/stream.h"

namespace lv {

namespace {

/// Elements in a part of the work that is worth a thread.
constexpr int64_t kGrain = int64_t{1} << 15;

/// Positions [begin, end) of `axis` and all of the axes after it.
template <class From, class To>
void copy_strided(const From* source, const Strides& from, To* target, const Strides& to, const Shape& shape, int axis,
                  int64_t begin, int64_t end) {
  const bool is_last = axis == shape.rank() - 1;
  for (int64_t i = begin; i < end; ++i) {
    const From* const s = source + i * from[axis];
    To* const t = target + i * to[axis];
    if (is_last) {
      *t = convert<To>(*s);
    } else {
      copy_strided(s, from, t, to, shape, axis + 1, 0, shape[axis + 1]);
    }
  }
}

void copy_on_host(const Tensor& source, const Tensor& target) {
  const Shape& shape = source.shape();
  visit_any(source.dtype(), [&]<class From>() {
    visit_any(target.dtype(), [&]<class To>() {
      const From* const s = source.data<From>();
      To* const t = target.data<To>();
      if (shape.rank() == 0) {
        *t = convert<To>(*s);
        return;
      }
      parallel_for(shape[0], std::max<int64_t>(1, kGrain * shape[0] / source.numel()), [&](int64_t begin, int64_t end) {
        copy_strided(s, source.strides(), t, target.strides(), shape, 0, begin, end);
      });
    });
  });
}

/// Set before main() by `kernels`, where a program links it.
constinit DeviceCopy device_copy = nullptr;

void copy_on_one_device(const Tensor& source, const Tensor& target) {
  if (source.device().is_cpu()) {
    copy_on_host(source, target);
    return;
  }
  LV_CHECK_DEVICE(device_copy != nullptr, "copy: {} {} on {} to {}: this program links no kernels", source.dtype(),
                  source.shape(), source.device(), target.dtype());
  device_copy(source, target);
}

/// Moves one block; waits when the host is an end of the move, since the caller may use or free it at once.
void copy_block(const Tensor& source, const Tensor& target) {
  const bool from_host = source.device().is_cpu();
  const bool to_host = target.device().is_cpu();
  if (from_host && to_host) {
    std::memmove(target.raw_data(), source.raw_data(), size_t(source.size_bytes()));
    return;
  }
  const Stream stream = current_stream(from_host ? target.device() : source.device());
  cuda::memcpy_async(target.raw_data(), source.raw_data(), source.size_bytes(), stream);
  if (from_host || to_host) {
    synchronize(stream);
  }
}

}  // namespace

void set_device_copy(DeviceCopy copy) { device_copy = copy; }

void copy_elements(const Tensor& source, const Tensor& target) {
  if (source.numel() == 0) {
    return;
  }
  const bool is_one_block = (source.is_contiguous() && target.is_contiguous()) ||
                            (source.strides() == target.strides() && is_dense(source.shape(), source.strides()));
  if (source.dtype() == target.dtype() && is_one_block) {
    copy_block(source, target);
  } else if (source.device() == target.device()) {
    copy_on_one_device(source, target);
  } else {
    // Only a block moves between memories: the elements are brought into order before, and into the target's layout and
    // dtype after.
    const Tensor moved = Tensor::empty(source.shape(), source.dtype(), target.device());
    copy_block(source.contiguous(), moved);
    copy_on_one_device(moved, target);
  }
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
  cuda::memcpy_async(target.raw_data(), source.raw_data(), source.size_bytes(), stream);
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
