#pragma once

#include <array>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "kernels/optimizer.h"

namespace lv::optim {

/// Tensors listed for the kernels that update many of them in one launch. On a device the lists are uploaded only when
/// they differ from the last ones: addresses of parameters and gradients hardly change during training.
class UpdateTables {
 public:
  /// Starts a new list. All tensors must lie on `device`.
  void begin(Device device);
  /// Appends the elements of `value` (f32 or f64, dense); `tensor` holds all but the addresses' bookkeeping.
  void add(const Tensor& value, kernels::UpdateTensor tensor);
  /// The tables, at most one for each dtype; valid until the next begin().
  [[nodiscard]] std::span<const kernels::UpdateTable> finish();

  [[nodiscard]] int64_t tensor_count() const { return tensor_count_; }
  [[nodiscard]] int64_t chunk_count() const;

 private:
  struct Lists {
    std::vector<kernels::UpdateTensor> tensors;
    std::vector<kernels::UpdateChunk> chunks;

    bool operator==(const Lists&) const = default;
  };
  struct Part {
    Lists lists;
    Lists uploaded;
    Tensor tensors_on_device;
    Tensor chunks_on_device;
  };

  [[nodiscard]] Part& part_of(DType dtype) { return parts_[dtype == DType::f64 ? 1 : 0]; }
  [[nodiscard]] kernels::UpdateTable table_of(Part& part, DType dtype) const;

  Device device_;
  int64_t tensor_count_ = 0;
  std::array<Part, 2> parts_;  // f32, f64
  std::vector<kernels::UpdateTable> tables_;
};

/// Throws unless `tensor` can be updated: f32 or f64, dense, on `device`. `who` and `name` go into the message.
void check_updatable(std::string_view who, std::string_view name, const Tensor& tensor, Device device);

/// Zeros with the dtype, device and layout of `tensor`.
Tensor zeros_like(const Tensor& tensor);

/// `tensor` with its elements in the order that `model` has in memory: itself when they are, else a copy.
Tensor laid_out_as(const Tensor& model, const Tensor& tensor);

}  // namespace lv::optim
