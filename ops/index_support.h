#pragma once

#include "autograd/function.h"

// What the ops that take indices share.

namespace lv::ops {

/// The three sizes around an axis: all before it, itself, all after it.
Shape around(const Shape& shape, int axis);

/// Throws DTypeError unless `index` is int64.
void check_index_dtype(std::string_view op, const Tensor& index);

/// Throws ShapeError for the first index outside [0, size). Indices on a device are not looked at.
void check_index_range(std::string_view op, const Tensor& index, int64_t size);

/// Throws it for an index that is known to be there.
[[noreturn]] void fail_index_range(std::string_view op, const Tensor& index, int64_t size);

/// y[o, index[k], i] += src[o, k, i] where index[k] is not `skip`; all contiguous. src: [outer, count, inner]; y:
/// [outer, size, inner].
void add_at_rows(const autograd::Context& ctx, const Tensor& src, const Tensor& index, const Tensor& y, int64_t skip,
                 bool is_ascending);

/// The positions of each row's first k elements in order: x [rows, n] -> [rows, k]; contiguous.
Tensor argsort_rows(const autograd::Context& ctx, const Tensor& x, int64_t k, bool descending);

}  // namespace lv::ops
