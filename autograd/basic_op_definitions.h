#pragma once

#include "autograd/function.h"

// The op structs behind autograd/basic_ops.h; only their specs and their .cpp include this.

namespace lv::autograd {

#define LV_BASIC_OP(Struct, op_name, cast_policy, ...)                              \
  struct Struct {                                                                   \
    static constexpr std::string_view kName = op_name;                              \
    static constexpr CastPolicy kCast = cast_policy;                                \
    static constexpr SecondOrder kSecondOrder = SecondOrder::composed;              \
    struct Options {                                                                \
      __VA_ARGS__                                                                   \
    };                                                                              \
    static OutputSpecs infer(Inputs in, const Options& options);                    \
    static TensorList forward(Context& ctx, Inputs in, const Options& options);     \
    static TensorList backward(Context& ctx, Inputs grads, const Options& options); \
    static TensorList reference(Inputs in, const Options& options);                 \
  };

LV_BASIC_OP(Cast, "cast", CastPolicy::none, DType dtype;)
LV_BASIC_OP(Contiguous, "contiguous", CastPolicy::none)
LV_BASIC_OP(Expand, "expand", CastPolicy::none, Shape shape;)
LV_BASIC_OP(SumTo, "sum_to", CastPolicy::none, Shape shape;)
LV_BASIC_OP(AddOp, "add", CastPolicy::follow)

#undef LV_BASIC_OP

}  // namespace lv::autograd
