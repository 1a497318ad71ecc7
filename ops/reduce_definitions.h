#pragma once

#include "autograd/function.h"

// The op structs behind ops/reduce.h; only their specs and their .cpp include this.

namespace lv::ops {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;

/// Which axes are reduced, as bits, and whether they stay with size 1.
struct ReduceOptions {
  unsigned axes = ~0U;
  bool keepdim = false;
};

#define LV_REDUCE_OP(Struct, op_name, OptionsType)                                  \
  struct Struct {                                                                   \
    static constexpr std::string_view kName = op_name;                              \
    static constexpr auto kCast = autograd::CastPolicy::follow;                     \
    static constexpr auto kSecondOrder = autograd::SecondOrder::composed;           \
    using Options = OptionsType;                                                    \
    static OutputSpecs infer(Inputs in, const Options& options);                    \
    static TensorList forward(Context& ctx, Inputs in, const Options& options);     \
    static TensorList backward(Context& ctx, Inputs grads, const Options& options); \
    static TensorList reference(Inputs in, const Options& options);                 \
  };

/// A reduction's result repeated along the reduced axes: a view of `shape`.
struct SpreadOptions {
  ReduceOptions reduction;
  Shape shape;
};

LV_REDUCE_OP(Spread, "spread", SpreadOptions)
LV_REDUCE_OP(Sum, "sum", ReduceOptions)

#undef LV_REDUCE_OP

/// `x` with each axis of `options` as size 1.
Shape kept_shape(const Shape& x, const ReduceOptions& options);
/// Differentiable Spread.
Tensor spread(const Tensor& y, const Shape& shape, const ReduceOptions& options);

}  // namespace lv::ops
