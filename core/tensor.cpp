#include "core/tensor.h"

#include <bit>
#include <cstring>

#include "core/copy.h"
#include "core/stream.h"

namespace lv {

namespace {

bool has_contiguous_strides(const Shape& shape, const Strides& strides) {
  int64_t expected = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    if (shape[i] != 1) {
      if (strides[i] != expected) {
        return false;
      }
      expected *= shape[i];
    }
  }
  return true;
}

void check_sizes(const Shape& shape) {
  for (const int64_t size : shape) {
    LV_CHECK_SHAPE(size >= 0, "tensor: sizes must not be negative, got {}", shape);
  }
}

}  // namespace

Tensor Tensor::over(Storage storage, int64_t offset, const Shape& shape, const Strides& strides, DType dtype) {
  auto* impl = new TensorImpl;
  Tensor tensor(impl);
  impl->storage = std::move(storage);
  impl->offset = offset;
  impl->shape = shape;
  impl->strides = strides;
  impl->dtype = dtype;
  impl->is_contiguous = lv::numel(shape) == 0 || has_contiguous_strides(shape, strides);
  return tensor;
}

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  check_sizes(shape);
  return over(allocate_storage(lv::numel(shape) * lv::size_bytes(dtype), device), 0, shape, contiguous_strides(shape),
              dtype);
}

Tensor Tensor::empty_pinned(const Shape& shape, DType dtype) {
  check_sizes(shape);
  return over(allocate_pinned_storage(lv::numel(shape) * lv::size_bytes(dtype)), 0, shape, contiguous_strides(shape),
              dtype);
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor tensor = empty(shape, dtype, device);
  fill_zero_bytes(tensor.raw_data(), tensor.size_bytes(), device);
  return tensor;
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype, Device device) {
  Tensor tensor = empty(shape, dtype, device);
  tensor.fill(value);
  return tensor;
}

Tensor Tensor::scalar(double value, DType dtype, Device device) { return full({}, value, dtype, device); }

template <class T>
Tensor Tensor::from(std::span<const T> values, const Shape& shape) {
  LV_CHECK_SHAPE(int64_t(values.size()) == lv::numel(shape), "Tensor::from: {} values for shape {}", values.size(),
                 shape);
  Tensor tensor = empty(shape, kDTypeOf<T>);
  if (!values.empty()) {
    std::memcpy(tensor.raw_data(), values.data(), values.size_bytes());
  }
  return tensor;
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor host = to(Device::cpu()).contiguous();
  const T* begin = host.data<T>();
  return std::vector<T>(begin, begin + host.numel());
}

#define LV_INSTANTIATE(T)                                            \
  template Tensor Tensor::from<T>(std::span<const T>, const Shape&); \
  template std::vector<T> Tensor::to_vector<T>() const;
LV_INSTANTIATE(float)
LV_INSTANTIATE(double)
LV_INSTANTIATE(Half)
LV_INSTANTIATE(BFloat16)
LV_INSTANTIATE(int32_t)
LV_INSTANTIATE(int64_t)
LV_INSTANTIATE(uint8_t)
template Tensor Tensor::from<bool>(std::span<const bool>, const Shape&);
#undef LV_INSTANTIATE

double Tensor::item() const {
  LV_CHECK_SHAPE(numel() == 1, "item: wants one element, tensor has shape {}", shape());
  return to(Device::cpu()).to(DType::f64).data<double>()[0];
}

Tensor Tensor::as_strided(const Shape& shape, const Strides& strides, int64_t offset) const {
  check_sizes(shape);
  int64_t first = offset;
  int64_t last = offset;
  for (int i = 0; i < shape.rank(); ++i) {
    (strides[i] < 0 ? first : last) += strides[i] * (shape[i] - 1);
  }
  const int64_t capacity = storage()->size_bytes / lv::size_bytes(dtype());
  LV_CHECK_SHAPE(lv::numel(shape) == 0 || (first >= 0 && last < capacity),
                 "as_strided: shape {} strides {} offset {} reach outside a storage of {} elements", shape, strides,
                 offset, capacity);
  return over(storage(), offset, shape, strides, dtype());
}

Tensor Tensor::permute(std::span<const int> axes) const {
  LV_CHECK_SHAPE(int(axes.size()) == rank(), "permute: {} axes for shape {}", axes.size(), shape());
  Shape new_shape = shape();
  Strides new_strides = strides();
  unsigned seen = 0;
  for (int i = 0; i < rank(); ++i) {
    const int from = normalize_axis(axes[size_t(i)], rank(), "permute");
    seen |= 1U << from;
    new_shape[i] = shape()[from];
    new_strides[i] = strides()[from];
  }
  LV_CHECK_SHAPE(seen == (1U << rank()) - 1, "permute: axes must name every axis of {} once", shape());
  return over(storage(), offset(), new_shape, new_strides, dtype());
}

Tensor Tensor::transpose(int axis_a, int axis_b) const {
  axis_a = normalize_axis(axis_a, rank(), "transpose");
  axis_b = normalize_axis(axis_b, rank(), "transpose");
  Shape new_shape = shape();
  Strides new_strides = strides();
  std::swap(new_shape[axis_a], new_shape[axis_b]);
  std::swap(new_strides[axis_a], new_strides[axis_b]);
  return over(storage(), offset(), new_shape, new_strides, dtype());
}

Tensor Tensor::slice(int axis, int64_t begin, int64_t end, int64_t step) const {
  axis = normalize_axis(axis, rank(), "slice");
  LV_CHECK_SHAPE(step >= 1 && begin >= 0 && begin <= end && end <= size(axis),
                 "slice: wants 0 <= begin <= end <= {} and step >= 1, got [{}, {}) step {} (axis {} of {})", size(axis),
                 begin, end, step, axis, shape());
  Shape new_shape = shape();
  Strides new_strides = strides();
  new_shape[axis] = (end - begin + step - 1) / step;
  new_strides[axis] *= step;
  return over(storage(), offset() + begin * strides()[axis], new_shape, new_strides, dtype());
}

Tensor Tensor::select(int axis, int64_t index) const {
  axis = normalize_axis(axis, rank(), "select");
  LV_CHECK_SHAPE(index >= 0 && index < size(axis), "select: index {} is outside [0, {}) (axis {} of {})", index,
                 size(axis), axis, shape());
  return slice(axis, index, index + 1).squeeze(axis);
}

Tensor Tensor::expand(const Shape& wanted) const {
  const int added = wanted.rank() - rank();
  LV_CHECK_SHAPE(added >= 0, "expand: {} has more axes than {}", shape(), wanted);
  Strides new_strides = Strides::filled(wanted.rank(), 0);
  for (int i = 0; i < rank(); ++i) {
    LV_CHECK_SHAPE(shape()[i] == wanted[i + added] || shape()[i] == 1, "expand: {} does not expand to {}", shape(),
                   wanted);
    new_strides[i + added] = shape()[i] == wanted[i + added] ? strides()[i] : 0;
  }
  return over(storage(), offset(), wanted, new_strides, dtype());
}

Tensor Tensor::squeeze(int axis) const {
  axis = normalize_axis(axis, rank(), "squeeze");
  LV_CHECK_SHAPE(shape()[axis] == 1, "squeeze: axis {} of {} is not 1", axis, shape());
  Shape new_shape = shape();
  Strides new_strides = strides();
  new_shape.erase(axis);
  new_strides.erase(axis);
  return over(storage(), offset(), new_shape, new_strides, dtype());
}

Tensor Tensor::unsqueeze(int axis) const {
  axis = normalize_axis(axis, rank() + 1, "unsqueeze");
  Shape new_shape = shape();
  Strides new_strides = strides();
  new_strides.insert(axis, axis < rank() ? shape()[axis] * strides()[axis] : 1);
  new_shape.insert(axis, 1);
  return over(storage(), offset(), new_shape, new_strides, dtype());
}

Tensor Tensor::detach() const { return over(storage(), offset(), shape(), strides(), dtype()); }

namespace {

/// Replaces a -1 in `wanted` by what `count` elements leave for it.
Shape infer_size(const Shape& from, const Shape& wanted) {
  Shape shape = wanted;
  const int64_t count = numel(from);
  int unknown = -1;
  int64_t known = 1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == -1) {
      LV_CHECK_SHAPE(unknown < 0, "view: only one size may be -1, got {}", wanted);
      unknown = i;
    } else {
      known *= shape[i];
    }
  }
  if (unknown >= 0) {
    LV_CHECK_SHAPE(known > 0 && count % known == 0, "view: {} does not fit {}", from, wanted);
    shape[unknown] = count / known;
  }
  LV_CHECK_SHAPE(numel(shape) == count, "view: {} does not fit {}", from, wanted);
  return shape;
}

/// Strides under which `to` walks the elements of (`from`, `strides`) in order, or nothing when a copy is needed.
std::optional<Strides> view_strides(const Shape& from, const Strides& strides, const Shape& to) {
  Strides result = Strides::filled(to.rank(), 1);
  int out = to.rank() - 1;
  int in = from.rank() - 1;
  while (in >= 0) {
    // A run of input axes that lie densely in one another can be cut anew.
    const int64_t step = strides[in];
    int64_t run = from[in--];
    while (in >= 0 && (from[in] == 1 || strides[in] == run * step)) {
      run *= from[in--];
    }
    int64_t covered = 1;
    while (out >= 0 && (covered < run || to[out] == 1)) {
      result[out] = step * covered;
      covered *= to[out--];
    }
    if (covered != run) {
      return std::nullopt;
    }
  }
  return result;
}

}  // namespace

Tensor Tensor::view(const Shape& wanted) const {
  const Shape new_shape = infer_size(shape(), wanted);
  if (is_contiguous()) {
    return over(storage(), offset(), new_shape, contiguous_strides(new_shape), dtype());
  }
  const auto new_strides = view_strides(shape(), strides(), new_shape);
  LV_CHECK_SHAPE(new_strides.has_value(), "view: strides {} of {} do not allow {} without a copy; use ops::reshape",
                 strides(), shape(), new_shape);
  return over(storage(), offset(), new_shape, *new_strides, dtype());
}

bool Tensor::can_view(const Shape& wanted) const {
  return is_contiguous() || view_strides(shape(), strides(), infer_size(shape(), wanted)).has_value();
}

Tensor Tensor::empty_like(DType dtype, Device device) const {
  const Tensor block = empty(shape(), dtype, device);
  return is_dense(shape(), strides()) ? block.as_strided(shape(), strides(), 0) : block;
}

Tensor Tensor::copied(DType new_dtype, Device new_device) const {
  const Tensor result = empty_like(new_dtype, new_device);
  copy_elements(*this, result);
  return result;
}

Tensor Tensor::to(Device target) const { return device() == target ? *this : copied(dtype(), target); }

Tensor Tensor::to(DType target) const { return dtype() == target ? *this : copied(target, device()); }

Tensor Tensor::contiguous() const { return is_contiguous() ? detach() : clone(); }

Tensor Tensor::clone() const {
  Tensor result = empty(shape(), dtype(), device());
  result.copy_from(*this);
  return result;
}

void Tensor::copy_from(const Tensor& source) const {
  LV_CHECK_SHAPE(source.shape() == shape(), "copy_from: shape {} into shape {}", source.shape(), shape());
  copy_elements(source, *this);
  bump_version();
}

void Tensor::fill(double value) const {
  if (std::bit_cast<int64_t>(value) == 0 && is_dense(shape(), strides())) {  // zero is zero bytes in every dtype
    fill_zero_bytes(raw_data(), size_bytes(), device());
    bump_version();
    return;
  }
  Tensor one = empty({}, DType::f64);
  *one.data<double>() = value;
  copy_elements(one.to(device()).expand(shape()), *this);
  bump_version();
}

}  // namespace lv
