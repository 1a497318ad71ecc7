#include "ops/norm_support.h"

#include "ops/elementwise.h"

namespace lv::ops {

Tensor parameter_as(const autograd::Context& ctx, const Tensor& tensor, DType dtype) {
  return tensor.defined() ? ctx.dense(autograd::cast(tensor, dtype)) : tensor;
}

int64_t row_count(const Shape& shape) {
  Shape outer = shape;
  outer.erase(shape.rank() - 1);
  return numel(outer);
}

Tensor as_rows(const autograd::Context& ctx, const Tensor& x) {
  const Shape matrix{row_count(x.shape()), x.size(-1)};
  if (x.is_contiguous()) {
    return x.view(matrix);
  }
  int64_t step = 0;
  int64_t rows = 1;
  bool is_even = x.strides().back() == 1 || x.size(-1) == 1;
  for (int axis = x.rank() - 2; axis >= 0; --axis) {
    if (x.size(axis) == 1) {
      continue;
    }
    is_even = is_even && (rows == 1 || x.strides()[axis] == step * rows);
    step = rows == 1 ? x.strides()[axis] : step;
    rows *= x.size(axis);
  }
  return is_even ? x.as_strided(matrix, {step, 1}, x.offset()) : ctx.dense(x).view(matrix);
}

Tensor as_lines(const autograd::Context& ctx, const Tensor& x, int axis) {
  const int at = normalize_axis(axis, x.rank(), "as_lines");
  int64_t outer = 1;
  int64_t inner = 1;
  for (int i = 0; i < x.rank(); ++i) {
    outer *= i < at ? x.size(i) : 1;
    inner *= i > at ? x.size(i) : 1;
  }
  return ctx.dense(x).view({outer, x.size(at), inner});
}

Tensor scale_and_shift(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor scaled = weight.defined() ? x * autograd::cast(weight, x.dtype()) : x;
  return bias.defined() ? scaled + autograd::cast(bias, x.dtype()) : scaled;
}

void check_parameter(std::string_view op, std::string_view name, const Tensor& parameter, const Tensor& x,
                     const Shape& wanted) {
  if (!parameter.defined()) {
    return;
  }
  LV_CHECK_SHAPE(parameter.shape() == wanted, "{}: {} must be {}, got {} (x {})", op, name, wanted, parameter.shape(),
                 x.shape());
  const DType statistics = statistics_dtype(x.dtype());
  LV_CHECK_DTYPE(parameter.dtype() == x.dtype() || parameter.dtype() == statistics,
                 "{}: dtypes differ: {} must be {} for x in {}, got {}; cast one of them", op, name, statistics,
                 x.dtype(), parameter.dtype());
}

}  // namespace lv::ops
