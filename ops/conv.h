#pragma once

#include "ops/pool.h"

namespace lv::ops {

struct Conv2dOptions {
  Size2d stride = {1, 1};
  Size2d padding = {0, 0};
  Size2d dilation = {1, 1};
  int64_t groups = 1;
  bool relu = false;  // of the result, in the same pass
};

/// Cross-correlation of each group of channels. x: [N, H, W, C], weight: [O, C / groups, KH, KW], fastest when it lies
/// in memory as [O, KH, KW, C / groups]; bias: [O] or absent; residual: shaped as the result, added before the ReLU, or
/// absent; one floating dtype -> [N, OH, OW, O]. Differentiable. Throws ShapeError, DTypeError.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, const Conv2dOptions& options = {},
              const Tensor& residual = {});

struct ConvTranspose2dOptions {
  Size2d stride = {1, 1};
  Size2d padding = {0, 0};
  Size2d output_padding = {0, 0};  // rows and columns added at the end of the output; below stride
  Size2d dilation = {1, 1};
  int64_t groups = 1;
};

/// The adjoint of conv2d: every cell of x spreads its weighted kernel. x: [N, H, W, C], weight: [C, O / groups, KH,
/// KW], bias: [O] or absent; one floating dtype -> [N, OH, OW, O], OH = (H - 1) * stride - 2 * padding + dilation * (KH
/// - 1) + output_padding + 1, OW alike. Differentiable. Throws ShapeError, DTypeError.
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTranspose2dOptions& options = {});

}  // namespace lv::ops
