#pragma once

#include "autograd/function.h"
#include "kernels/compare.h"
#include "kernels/elementwise.h"

// The op structs behind ops/elementwise.h; only their specs and their .cpp include this.

namespace lv::ops {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;

using UnaryOptions = kernels::Scalars<double>;

namespace detail {

OutputSpecs infer_unary(std::string_view op, Inputs in);
TensorList run_unary(kernels::UnaryFunction function, Context& ctx, Inputs in, const UnaryOptions& options);
TensorList differentiate_unary(kernels::UnaryFunction function, Context& ctx, Inputs grads,
                               const UnaryOptions& options);
/// The function as the C library has it, in float64.
TensorList unary_reference(kernels::UnaryFunction function, Inputs in, const UnaryOptions& options);
/// What unary_gradient computes, in differentiable ops.
Tensor unary_gradient_formula(kernels::UnaryFunction function, const Tensor& grad, const Tensor& saved,
                              const UnaryOptions& options);

OutputSpecs infer_binary(std::string_view op, Inputs in);
TensorList run_binary(kernels::BinaryFunction function, Context& ctx, Inputs in);
TensorList differentiate_binary(kernels::BinaryFunction function, Context& ctx, Inputs grads);
TensorList binary_reference(kernels::BinaryFunction function, Inputs in);

OutputSpecs infer_comparison(std::string_view op, Inputs in);
TensorList run_comparison(kernels::Comparison comparison, Context& ctx, Inputs in, double scalar);
TensorList comparison_reference(kernels::Comparison comparison, Inputs in, double scalar);

}  // namespace detail

/// A function of one tensor and up to two numbers.
template <kernels::UnaryFunction kFunction>
struct Unary {
  static constexpr std::string_view kName = kernels::kUnaryNames[size_t(kFunction)];
  static constexpr auto kCast = autograd::CastPolicy::follow;
  static constexpr auto kSecondOrder = autograd::SecondOrder::composed;
  using Options = UnaryOptions;
  static OutputSpecs infer(Inputs in, const Options&) { return detail::infer_unary(kName, in); }
  static TensorList forward(Context& ctx, Inputs in, const Options& options) {
    return detail::run_unary(kFunction, ctx, in, options);
  }
  static TensorList backward(Context& ctx, Inputs grads, const Options& options) {
    return detail::differentiate_unary(kFunction, ctx, grads, options);
  }
  static TensorList reference(Inputs in, const Options& options) {
    return detail::unary_reference(kFunction, in, options);
  }
};

/// A function of two tensors that broadcast.
template <kernels::BinaryFunction kFunction>
struct Binary {
  static constexpr std::string_view kName = kernels::kBinaryNames[size_t(kFunction)];
  static constexpr auto kCast = autograd::CastPolicy::follow;
  static constexpr auto kSecondOrder = autograd::SecondOrder::composed;
  struct Options {};
  static OutputSpecs infer(Inputs in, const Options&) { return detail::infer_binary(kName, in); }
  static TensorList forward(Context& ctx, Inputs in, const Options&) { return detail::run_binary(kFunction, ctx, in); }
  static TensorList backward(Context& ctx, Inputs grads, const Options&) {
    return detail::differentiate_binary(kFunction, ctx, grads);
  }
  static TensorList reference(Inputs in, const Options&) { return detail::binary_reference(kFunction, in); }
};

/// A comparison of two tensors that broadcast, or of one with a number where the second is absent.
template <kernels::Comparison kComparison>
struct Compare {
  static constexpr std::string_view kName = kernels::kComparisonNames[size_t(kComparison)];
  static constexpr auto kCast = autograd::CastPolicy::follow;
  static constexpr auto kSecondOrder = autograd::SecondOrder::none;  // piecewise constant
  struct Options {
    double scalar = 0;
  };
  static OutputSpecs infer(Inputs in, const Options&) { return detail::infer_comparison(kName, in); }
  static TensorList forward(Context& ctx, Inputs in, const Options& options) {
    return detail::run_comparison(kComparison, ctx, in, options.scalar);
  }
  static TensorList backward(Context& ctx, Inputs, const Options&) { return TensorList(ctx.input_count()); }
  static TensorList reference(Inputs in, const Options& options) {
    return detail::comparison_reference(kComparison, in, options.scalar);
  }
};

/// Inputs mask, a, b; an absent a or b is `fill`.
struct Where {
  static constexpr std::string_view kName = "where";
  static constexpr auto kCast = autograd::CastPolicy::follow;
  static constexpr auto kSecondOrder = autograd::SecondOrder::composed;
  struct Options {
    double fill = 0;
  };
  static OutputSpecs infer(Inputs in, const Options& options);
  static TensorList forward(Context& ctx, Inputs in, const Options& options);
  static TensorList backward(Context& ctx, Inputs grads, const Options& options);
  static TensorList reference(Inputs in, const Options& options);
};

}  // namespace lv::ops
