#include "optim/update_tables.h"

#include <cstring>

#include "core/parallel.h"
#include "core/stream.h"
#include "kernels/copy.h"

namespace lv::optim {

namespace {

template <class T>
Tensor upload(const std::vector<T>& list, Device device) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(list.data());
  const auto size = int64_t(list.size() * sizeof(T));
  return Tensor::from(std::span<const uint8_t>(bytes, size_t(size)), {size}).to(device);
}

bool same_order(const Tensor& a, const Tensor& b) {
  for (int axis = 0; axis < a.rank(); ++axis) {
    if (a.size(axis) != 1 && a.strides()[axis] != b.strides()[axis]) {
      return false;
    }
  }
  return true;
}

Tensor empty_like(const Tensor& tensor) {
  return Tensor::empty({tensor.numel()}, tensor.dtype(), tensor.device())
      .as_strided(tensor.shape(), tensor.strides(), 0);
}

}  // namespace

void UpdateTables::begin(Device device) {
  device_ = device;
  tensor_count_ = 0;
  for (Part& part : parts_) {
    part.lists = {};
  }
}

void UpdateTables::add(const Tensor& value, kernels::UpdateTensor tensor) {
  Lists& lists = part_of(value.dtype()).lists;
  tensor.value = value.raw_data();
  tensor.count = value.numel();
  tensor.first_chunk = int64_t(lists.chunks.size());
  tensor.index = tensor_count_++;
  for (int64_t begin = 0; begin < tensor.count; begin += kernels::kUpdateChunk) {
    lists.chunks.push_back({int64_t(lists.tensors.size()), begin});
  }
  lists.tensors.push_back(tensor);
}

int64_t UpdateTables::chunk_count() const {
  return int64_t(parts_[0].lists.chunks.size() + parts_[1].lists.chunks.size());
}

kernels::UpdateTable UpdateTables::table_of(Part& part, DType dtype) const {
  kernels::UpdateTable table{part.lists.tensors.data(), part.lists.chunks.data(), int64_t(part.lists.tensors.size()),
                             int64_t(part.lists.chunks.size()), dtype};
  if (device_.is_cuda()) {
    if (part.lists != part.uploaded) {
      part.tensors_on_device = upload(part.lists.tensors, device_);
      part.chunks_on_device = upload(part.lists.chunks, device_);
      part.uploaded = part.lists;
    }
    table.tensors = static_cast<const kernels::UpdateTensor*>(part.tensors_on_device.raw_data());
    table.chunks = static_cast<const kernels::UpdateChunk*>(part.chunks_on_device.raw_data());
  }
  return table;
}

std::span<const kernels::UpdateTable> UpdateTables::finish() {
  tables_.clear();
  for (const DType dtype : {DType::f32, DType::f64}) {
    if (Part& part = part_of(dtype); !part.lists.tensors.empty()) {
      tables_.push_back(table_of(part, dtype));
    }
  }
  return tables_;
}

void check_updatable(std::string_view who, std::string_view name, const Tensor& tensor, Device device) {
  LV_CHECK_DTYPE(tensor.dtype() == DType::f32 || tensor.dtype() == DType::f64,
                 "{}: {} is {}; wants f32 or f64 (keep parameters in f32 and compute under autocast)", who, name,
                 tensor.dtype());
  LV_CHECK_SHAPE(is_dense(tensor.shape(), tensor.strides()), "{}: {} {} with strides {} has gaps or overlaps", who,
                 name, tensor.shape(), tensor.strides());
  LV_CHECK_DEVICE(tensor.device() == device, "{}: {} is on {}, the others on {}", who, name, tensor.device(), device);
}

Tensor zeros_like(const Tensor& tensor) {
  return Tensor::zeros({tensor.numel()}, tensor.dtype(), tensor.device())
      .as_strided(tensor.shape(), tensor.strides(), 0);
}

Tensor laid_out_as(const Tensor& model, const Tensor& tensor) {
  if (same_order(model, tensor)) {
    return tensor;
  }
  const Tensor copy = empty_like(model);
  kernels::copy({.x = kernels::cref(tensor), .y = kernels::ref(copy)}, current_stream(tensor.device()));
  return copy;
}

}  // namespace lv::optim
