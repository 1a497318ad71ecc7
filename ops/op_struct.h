#pragma once

#include "autograd/function.h"

/// Declares an op's struct, whose Options are the remaining arguments:
///   LV_OP_STRUCT(Flip, "flip", CastPolicy::none, SecondOrder::composed, uint32_t axes = 0;)
#define LV_OP_STRUCT(Struct, op_name, cast_policy, second_order, ...)                                                 \
  struct Struct {                                                                                                     \
    static constexpr std::string_view kName = op_name;                                                                \
    static constexpr ::lv::autograd::CastPolicy kCast = ::lv::autograd::cast_policy;                                  \
    static constexpr ::lv::autograd::SecondOrder kSecondOrder = ::lv::autograd::second_order;                         \
    struct Options {                                                                                                  \
      __VA_ARGS__                                                                                                     \
    };                                                                                                                \
    static ::lv::autograd::OutputSpecs infer(::lv::autograd::Inputs in, const Options& options);                      \
    static ::lv::TensorList forward(::lv::autograd::Context& ctx, ::lv::autograd::Inputs in, const Options& options); \
    static ::lv::TensorList backward(::lv::autograd::Context& ctx, ::lv::autograd::Inputs grads,                      \
                                     const Options& options);                                                         \
    static ::lv::TensorList reference(::lv::autograd::Inputs in, const Options& options);                             \
  };
