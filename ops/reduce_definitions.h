#pragma once

#include <functional>

#include "autograd/function.h"
#include "kernels/reduce.h"
#include "ops/reduce.h"

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

/// For a view of `shape` that repeats a reduction's result along the reduced axes.
struct SpreadOptions {
  ReduceOptions reduction;
  Shape shape;
};

struct VarOptions {
  ReduceOptions reduction;
  double correction = 1;
};

struct ArgReduceOptions {
  int axis = 0;
  bool keepdim = false;
};

struct CumsumOptions {
  int axis = 0;
  bool is_reverse = false;  // sums from the end
};

#define LV_REDUCE_OP(Struct, op_name, OptionsType, second_order)                    \
  struct Struct {                                                                   \
    static constexpr std::string_view kName = op_name;                              \
    static constexpr auto kCast = autograd::CastPolicy::follow;                     \
    static constexpr auto kSecondOrder = autograd::SecondOrder::second_order;       \
    using Options = OptionsType;                                                    \
    static OutputSpecs infer(Inputs in, const Options& options);                    \
    static TensorList forward(Context& ctx, Inputs in, const Options& options);     \
    static TensorList backward(Context& ctx, Inputs grads, const Options& options); \
    static TensorList reference(Inputs in, const Options& options);                 \
  };

LV_REDUCE_OP(Spread, "spread", SpreadOptions, composed)
LV_REDUCE_OP(Sum, "sum", ReduceOptions, composed)
LV_REDUCE_OP(Mean, "mean", ReduceOptions, composed)
LV_REDUCE_OP(Amax, "amax", ReduceOptions, composed)
LV_REDUCE_OP(Amin, "amin", ReduceOptions, composed)
LV_REDUCE_OP(Var, "var", VarOptions, composed)
LV_REDUCE_OP(LogSumExp, "logsumexp", ReduceOptions, composed)
LV_REDUCE_OP(Norm, "norm", ReduceOptions, composed)
LV_REDUCE_OP(ArgMax, "argmax", ArgReduceOptions, none)  // indices
LV_REDUCE_OP(ArgMin, "argmin", ArgReduceOptions, none)
LV_REDUCE_OP(Cumsum, "cumsum", CumsumOptions, composed)

#undef LV_REDUCE_OP

// What the reductions share.

/// Checks `axes` of a tensor of x's shape.
ReduceOptions reduce_options(std::string_view op, const Tensor& x, const Axes& axes, bool keepdim);
/// `x` with each reduced axis as size 1.
Shape kept_shape(const Shape& x, const ReduceOptions& options);
/// The result's shape.
Shape reduced_shape(const Shape& x, const ReduceOptions& options);
/// Terms of each output.
int64_t term_count(const Shape& x, const ReduceOptions& options);
/// Checks x's dtype.
OutputSpecs infer_reduction(std::string_view op, const Tensor& x, const ReduceOptions& options);
/// f64 for f64, else f32.
constexpr DType wide_dtype(DType dtype) { return dtype == DType::f64 ? DType::f64 : DType::f32; }

/// Runs the kernel into `y`, which has the reduced or the kept shape; `other` may be undefined.
void launch_reduction(const Context& ctx, kernels::Reduction reduction, const Tensor& x, const Tensor& other,
                      const Tensor& y, const ReduceOptions& options, double scale = 1);
/// The same into a new tensor of the kept shape and wide dtype.
Tensor wide_reduction(const Context& ctx, kernels::Reduction reduction, const Tensor& x, const Tensor& other,
                      const ReduceOptions& options, double scale = 1);

/// The gradient by x of a reduction that has such a kernel; a and b: of the reduced or the kept shape and wide dtype.
Tensor reduction_gradient(const Context& ctx, kernels::ReductionGradient gradient, const Tensor& x, const Tensor& a,
                          const Tensor& b, const ReduceOptions& options);

/// Differentiable Spread of `y`, of the reduced shape, to `shape`.
Tensor spread(const Tensor& y, const Shape& shape, const ReduceOptions& options);

/// Calls `fold` with the terms of each output, in float64.
Tensor fold_reference(const Tensor& x, const ReduceOptions& options,
                      const std::function<double(std::span<const double>)>& fold);

}  // namespace lv::ops
