#include "ops/index_support.h"

#include <algorithm>

#include "kernels/gather.h"
#include "kernels/sort.h"

namespace lv::ops {

using kernels::cref;
using kernels::ref;

Shape around(const Shape& shape, int axis) {
  Shape sizes{1, shape[axis], 1};
  for (int i = 0; i < shape.rank(); ++i) {
    sizes[0] *= i < axis ? shape[i] : 1;
    sizes[2] *= i > axis ? shape[i] : 1;
  }
  return sizes;
}

void check_index_dtype(std::string_view op, const Tensor& index) {
  LV_CHECK_DTYPE(index.dtype() == DType::i64, "{}: indices must be i64, got {}; cast them", op, index.dtype());
}

void fail_index_range(std::string_view op, const Tensor& index, int64_t size) {
  const int64_t* const values = index.data<int64_t>();
  const int64_t* const bad =
      std::find_if(values, values + index.numel(), [&](int64_t value) { return uint64_t(value) >= uint64_t(size); });
  fail<ShapeError>("{}: index {} is outside [0, {}) (element {} of index {})", op, *bad, size, bad - values,
                   index.shape());
}

void check_index_range(std::string_view op, const Tensor& index, int64_t size) {
  if (!index.device().is_cpu()) {
    return;
  }
  bool any_outside = false;
  kernels::cpu::check_indices({.index = cref(index), .size = size, .any_outside = &any_outside});
  if (any_outside) {
    fail_index_range(op, index, size);
  }
}

Tensor argsort_rows(const autograd::Context& ctx, const Tensor& x, int64_t k, bool descending) {
  const int64_t rows = x.size(0);
  const int64_t n = x.size(1);
  const Tensor indices = ctx.new_empty({rows, k}, DType::i64);
  const Tensor workspace = ctx.new_empty({kernels::argsort_workspace_bytes(rows, n, x.dtype(), x.device())}, DType::u8);
  kernels::argsort({.x = cref(x), .indices = ref(indices), .workspace = ref(workspace), .descending = descending},
                   ctx.stream());
  return indices;
}

void add_at_rows(const autograd::Context& ctx, const Tensor& src, const Tensor& index, const Tensor& y, int64_t skip,
                 bool is_ascending) {
  const Tensor order = is_ascending ? Tensor{} : argsort_rows(ctx, index.view({1, -1}), index.numel(), false);
  kernels::add_rows({.src = cref(src), .index = cref(index), .order = cref(order), .y = ref(y), .skip = skip},
                    ctx.stream());
}

}  // namespace lv::ops
