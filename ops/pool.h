#pragma once

#include "autograd/function.h"
#include "kernels/pool.cell.h"

namespace lv::ops {

/// Sizes along height and width.
struct Size2d {
  int64_t height = 1;
  int64_t width = 1;
};

struct MaxPool2dOptions {
  Size2d kernel;
  std::optional<Size2d> stride = {};  // absent: the kernel
  Size2d padding = {0, 0};
  Size2d dilation = {1, 1};
  bool ceil_mode = false;  // keep a window that sticks out at the end, unless it starts beyond the array
};

/// Largest value of each window; the first of equal ones receives the gradient, NaN wins.
/// x: [N, H, W, C], floating -> [N, OH, OW, C]. Differentiable. Throws ShapeError.
Tensor max_pool2d(const Tensor& x, const MaxPool2dOptions& options);

struct AvgPool2dOptions {
  Size2d kernel;
  std::optional<Size2d> stride = {};  // absent: the kernel
  Size2d padding = {0, 0};
  bool ceil_mode = false;
  bool count_include_pad = true;  // padding counts as zeros, but never cells beyond it
  int64_t divisor_override = 0;   // 0: the window's size
};

/// Mean of each window. x: [N, H, W, C], floating -> [N, OH, OW, C]. Differentiable. Throws ShapeError.
Tensor avg_pool2d(const Tensor& x, const AvgPool2dOptions& options);

/// Mean over windows that divide the array into out.height x out.width overlapping parts.
/// x: [N, H, W, C], floating -> [N, out.height, out.width, C]. Differentiable. Throws ShapeError.
Tensor adaptive_avg_pool2d(const Tensor& x, Size2d out);
Tensor adaptive_max_pool2d(const Tensor& x, Size2d out);

/// Mean over height and width. x: [N, H, W, C], floating -> [N, 1, 1, C]. Differentiable.
Tensor global_avg_pool(const Tensor& x);

// Definitions, for specs.

struct MaxPool2d {
  static constexpr std::string_view kName = "max_pool2d";
  static constexpr auto kCast = autograd::CastPolicy::none;
  static constexpr auto kSecondOrder = autograd::SecondOrder::none;
  struct Options {
    MaxPool2dOptions pool;
    std::optional<Size2d> adaptive = {};
  };
  static autograd::OutputSpecs infer(autograd::Inputs in, const Options& options);
  static TensorList forward(autograd::Context& ctx, autograd::Inputs in, const Options& options);
  static TensorList backward(autograd::Context& ctx, autograd::Inputs grads, const Options& options);
  static TensorList reference(autograd::Inputs in, const Options& options);
};

struct AvgPool2d {
  static constexpr std::string_view kName = "avg_pool2d";
  static constexpr auto kCast = autograd::CastPolicy::none;
  static constexpr auto kSecondOrder = autograd::SecondOrder::composed;
  struct Options {
    AvgPool2dOptions pool;
    std::optional<Size2d> adaptive = {};
  };
  static autograd::OutputSpecs infer(autograd::Inputs in, const Options& options);
  static TensorList forward(autograd::Context& ctx, autograd::Inputs in, const Options& options);
  static TensorList backward(autograd::Context& ctx, autograd::Inputs grads, const Options& options);
  static TensorList reference(autograd::Inputs in, const Options& options);
};

/// The linear map that avg_pool2d's backward applies, itself differentiable.
/// grad: [N, OH, OW, C] -> [N, H, W, C] with H, W = `input`.
struct AvgPool2dBackward {
  static constexpr std::string_view kName = "avg_pool2d_backward";
  static constexpr auto kCast = autograd::CastPolicy::none;
  static constexpr auto kSecondOrder = autograd::SecondOrder::composed;
  struct Options {
    AvgPool2d::Options pool;
    Size2d input;
  };
  static autograd::OutputSpecs infer(autograd::Inputs in, const Options& options);
  static TensorList forward(autograd::Context& ctx, autograd::Inputs in, const Options& options);
  static TensorList backward(autograd::Context& ctx, autograd::Inputs grads, const Options& options);
  static TensorList reference(autograd::Inputs in, const Options& options);
};

}  // namespace lv::ops
