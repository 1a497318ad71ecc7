#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/inline_vector.h"
#include "core/intrusive.h"
#include "core/shape.h"
#include "core/storage.h"

namespace lv {

/// What a higher layer attaches to a tensor (autograd: gradient, history). core knows only its destructor.
class TensorExtension {
 public:
  virtual ~TensorExtension() = default;
};

class TensorImpl final : public RefCounted {
 public:
  static void release(TensorImpl* impl) noexcept { delete impl; }

  Storage storage;
  int64_t offset = 0;  // elements from the start of the storage
  Shape shape;
  Strides strides;  // elements
  DType dtype = DType::f32;
  bool is_contiguous = true;
  std::unique_ptr<TensorExtension> extension;
};

/// A shared handle of an n-dimensional array: storage, offset, shape, strides, dtype. Copying the handle shares the
/// array.
///
/// The members of this class do not record history: views, copies and conversions made here are invisible to autograd
/// (the differentiable ones are functions in `ops`). A default-constructed tensor is undefined and stands for "absent".
class Tensor {
 public:
  Tensor() = default;

  static Tensor empty(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu());
  /// Uninitialised, of this shape; the axes lie in memory as here where this is dense, else row-major.
  [[nodiscard]] Tensor empty_like(DType dtype, Device device) const;
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu());
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32, Device device = Device::cpu());
  /// A rank-0 tensor.
  static Tensor scalar(double value, DType dtype = DType::f32, Device device = Device::cpu());
  /// Copies `values`, row-major. Throws ShapeError when the count does not fit.
  template <class T>
  static Tensor from(std::span<const T> values, const Shape& shape);
  template <class T>
  static Tensor from(std::initializer_list<T> values, const Shape& shape) {
    return from(std::span<const T>(values.begin(), values.size()), shape);
  }
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape) {
    return from(std::span<const T>(values), shape);
  }
  static Tensor empty_pinned(const Shape& shape, DType dtype);

  [[nodiscard]] bool defined() const { return bool(impl_); }
  [[nodiscard]] const Shape& shape() const { return impl_->shape; }
  [[nodiscard]] const Strides& strides() const { return impl_->strides; }
  [[nodiscard]] int rank() const { return impl_->shape.rank(); }
  /// Size of an axis; negative axes count from the end.
  [[nodiscard]] int64_t size(int axis) const { return impl_->shape[axis < 0 ? axis + rank() : axis]; }
  [[nodiscard]] int64_t numel() const { return lv::numel(impl_->shape); }
  [[nodiscard]] int64_t size_bytes() const { return numel() * lv::size_bytes(dtype()); }
  [[nodiscard]] DType dtype() const { return impl_->dtype; }
  [[nodiscard]] Device device() const { return impl_->storage->device; }
  [[nodiscard]] bool is_contiguous() const { return impl_->is_contiguous; }
  [[nodiscard]] const Storage& storage() const { return impl_->storage; }
  [[nodiscard]] int64_t offset() const { return impl_->offset; }
  [[nodiscard]] uint32_t version() const { return impl_->storage->version; }
  /// To be called by whoever writes into a tensor that others may have saved.
  void bump_version() const { ++impl_->storage->version; }
  [[nodiscard]] TensorImpl* impl() const { return impl_.get(); }
  /// One more handle of an array that is known to be alive.
  static Tensor share(TensorImpl* impl) { return Tensor(impl); }
  /// The same handle, not merely equal contents.
  [[nodiscard]] bool is_same(const Tensor& other) const { return impl_ == other.impl_; }
  /// No other handle and no other tensor uses this memory.
  [[nodiscard]] bool is_unshared() const { return impl_->is_unique() && impl_->storage->is_unique(); }

  /// Address of the first element. Throws DTypeError when T is not the element type.
  template <class T>
  [[nodiscard]] T* data() const {
    LV_CHECK_DTYPE(dtype() == kDTypeOf<T>, "data: tensor holds {}, asked for {}", dtype(), kDTypeOf<T>);
    return static_cast<T*>(raw_data());
  }
  [[nodiscard]] void* raw_data() const {
    return static_cast<char*>(impl_->storage->data) + impl_->offset * lv::size_bytes(impl_->dtype);
  }
  /// The single element, converted, brought to the host if needed.
  [[nodiscard]] double item() const;
  /// All elements in row-major order, on the host. Throws DTypeError when T is not the element type.
  template <class T>
  [[nodiscard]] std::vector<T> to_vector() const;

  // Views: the same storage.
  [[nodiscard]] Tensor as_strided(const Shape& shape, const Strides& strides, int64_t offset) const;
  /// Same elements in the same order; one size may be -1. Throws ShapeError when the strides do not allow a view.
  [[nodiscard]] Tensor view(const Shape& shape) const;
  /// Whether view(shape) needs no copy; `shape` must hold as many elements.
  [[nodiscard]] bool can_view(const Shape& shape) const;
  [[nodiscard]] Tensor permute(std::span<const int> axes) const;
  [[nodiscard]] Tensor permute(std::initializer_list<int> axes) const {
    return permute(std::span<const int>(axes.begin(), axes.size()));
  }
  [[nodiscard]] Tensor transpose(int axis_a, int axis_b) const;
  /// Elements begin, begin + step, ... below end along an axis.
  [[nodiscard]] Tensor slice(int axis, int64_t begin, int64_t end, int64_t step = 1) const;
  /// Drops an axis by fixing its index.
  [[nodiscard]] Tensor select(int axis, int64_t index) const;
  /// Axes of size 1 (and missing leading axes) repeated with stride 0.
  [[nodiscard]] Tensor expand(const Shape& shape) const;
  [[nodiscard]] Tensor squeeze(int axis) const;
  [[nodiscard]] Tensor unsqueeze(int axis) const;
  /// Another handle of the same array without the extension (gradient, history).
  [[nodiscard]] Tensor detach() const;

  // Copies.
  // `to` keeps the order of the axes in memory where the elements are dense.
  /// The array on `device`; itself when already there.
  [[nodiscard]] Tensor to(Device device) const;
  /// Converted elements (float to integer truncates, to bool compares with 0); itself when nothing changes.
  [[nodiscard]] Tensor to(DType dtype) const;
  /// Itself when contiguous, else a row-major copy.
  [[nodiscard]] Tensor contiguous() const;
  [[nodiscard]] Tensor clone() const;
  /// Overwrites this tensor's elements with those of `source` (same shape, any dtype, device and layout).
  void copy_from(const Tensor& source) const;
  void fill(double value) const;

  // Differentiation; defined in autograd/tensor_methods.cpp.
  [[nodiscard]] bool requires_grad() const;
  /// Marks a leaf. Throws for a tensor that was computed, and for non-floating dtypes.
  const Tensor& set_requires_grad(bool value = true) const;
  /// The accumulated gradient; undefined before the first backward.
  [[nodiscard]] Tensor grad() const;
  /// Presets or clears the gradient; backward accumulates into it in place.
  void set_grad(const Tensor& grad) const;
  /// Differentiates this tensor with respect to every leaf it depends on; `seed` may be absent for a scalar.
  void backward(const Tensor& seed = {}) const;

 private:
  explicit Tensor(TensorImpl* impl) : impl_(impl) {}
  [[nodiscard]] Tensor copied(DType new_dtype, Device new_device) const;
  static Tensor over(Storage storage, int64_t offset, const Shape& shape, const Strides& strides, DType dtype);

  Intrusive<TensorImpl> impl_;
};

/// What optimisers, checkpoints and communicators see of a model.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// The tensors that enter or leave an op.
using TensorList = InlineVector<Tensor, 4>;

/// Prints values (edges only for large tensors), shape, dtype and device.
std::string to_string(const Tensor& tensor);

}  // namespace lv

template <>
struct fmt::formatter<lv::Tensor> : fmt::formatter<std::string> {
  auto format(const lv::Tensor& tensor, format_context& context) const {
    return fmt::formatter<std::string>::format(lv::to_string(tensor), context);
  }
};
