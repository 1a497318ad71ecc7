#pragma once

#include "autograd/context.h"

// Element-wise ops keep the order of their input's axes in memory: a permuted activation is walked straight through,
// and so is what follows.

namespace lv::autograd {

/// Uninitialised, of x's shape; the axes lie in memory in the order of x's where x is dense, else row-major.
inline Tensor empty_like(const Tensor& x, DType dtype) {
  const Tensor block = Tensor::empty(x.shape(), dtype, x.device());
  const bool is_reordered = !x.is_contiguous() && is_dense(x.shape(), x.strides());
  return is_reordered ? block.as_strided(x.shape(), x.strides(), 0) : block;
}

/// ctx.new_output() in the layout of the first input of its shape.
inline Tensor output_like(const Context& ctx, Inputs in) {
  const auto& [shape, dtype] = ctx.output_spec();
  for (const Tensor& x : in) {
    if (x.defined() && x.shape() == shape) {
      return empty_like(x, dtype);
    }
  }
  return ctx.new_output();
}

}  // namespace lv::autograd
