#pragma once

#include "kernels/dispatch.h"

// Two-dimensional convolution over dense [N, H, W, C] arrays of one floating dtype. The three kernels are the three
// contractions of one trilinear form: each sums over what the other two hold.

namespace lv::kernels {

/// How the cells of one axis meet: output o reads input o * stride - padding + tap * dilation.
struct ConvAxis {
  int64_t in = 1;
  int64_t out = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t dilation = 1;
};

struct ConvShape {
  ConvAxis height;
  ConvAxis width;
  int64_t groups = 1;

  /// A convolution that is a matrix product over the pixels.
  [[nodiscard]] bool is_pointwise() const {
    return height.kernel == 1 && width.kernel == 1 && height.stride == 1 && width.stride == 1 && height.padding == 0 &&
           width.padding == 0;
  }
};

/// y = conv(x, weight) + bias + residual, or the larger of this and zero.
struct ConvArgs {
  ConstTensorRef x;         // [N, H, W, C]
  ConstTensorRef weight;    // [O, KH, KW, C / groups], dense
  ConstTensorRef bias;      // [O]; may be absent
  ConstTensorRef residual;  // as y; may be absent
  bool relu = false;
  TensorRef y;  // [N, OH, OW, O]
  ConvShape shape;
};

/// dx = the gradient of conv with respect to x, for the output gradient `grad`.
struct ConvInputGradArgs {
  ConstTensorRef grad;    // [N, OH, OW, O]
  ConstTensorRef weight;  // [O, KH, KW, C / groups], dense
  TensorRef dx;           // [N, H, W, C]
  ConvShape shape;
};

/// dweight = the gradient of conv with respect to its weight.
struct ConvWeightGradArgs {
  ConstTensorRef x;     // [N, H, W, C]
  ConstTensorRef grad;  // [N, OH, OW, O]
  TensorRef dweight;    // [O, KH, KW, C / groups], dense
  ConvShape shape;
};

LV_KERNEL(conv, ConvArgs)
LV_KERNEL(conv_input_grad, ConvInputGradArgs)
LV_KERNEL(conv_weight_grad, ConvWeightGradArgs)

}  // namespace lv::kernels
