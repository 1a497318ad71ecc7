#pragma once

#include "core/tensor.h"

namespace lv::kernels {

/// A borrowed view of an array: what kernels take. Trivially copyable into CUDA kernels' argument structs.
template <class Pointer>
struct BasicTensorRef {
  Pointer data = nullptr;
  Shape shape;
  Strides strides;
  DType dtype = DType::f32;

  /// False for an absent optional argument.
  [[nodiscard]] bool defined() const { return data != nullptr; }
  [[nodiscard]] int64_t numel() const { return lv::numel(shape); }
  [[nodiscard]] int64_t size(int axis) const { return shape[axis < 0 ? axis + shape.rank() : axis]; }
  [[nodiscard]] int rank() const { return shape.rank(); }

  template <class T>
  [[nodiscard]] auto as() const {
    if constexpr (std::is_const_v<std::remove_pointer_t<Pointer>>) {
      return static_cast<const T*>(data);
    } else {
      return static_cast<T*>(data);
    }
  }
};

/// A view that a kernel only reads.
using ConstTensorRef = BasicTensorRef<const void*>;

/// A view that a kernel writes; reads as a ConstTensorRef where one is wanted.
struct TensorRef : BasicTensorRef<void*> {
  operator ConstTensorRef() const { return {data, shape, strides, dtype}; }  // NOLINT(google-explicit-constructor)
};

/// The view of an input; an undefined tensor gives an undefined view.
inline ConstTensorRef cref(const Tensor& tensor) {
  if (!tensor.defined()) {
    return {};
  }
  return {tensor.raw_data(), tensor.shape(), tensor.strides(), tensor.dtype()};
}

/// The view of an output or of workspace.
inline TensorRef ref(const Tensor& tensor) {
  if (!tensor.defined()) {
    return {};
  }
  return {{tensor.raw_data(), tensor.shape(), tensor.strides(), tensor.dtype()}};
}

}  // namespace lv::kernels
