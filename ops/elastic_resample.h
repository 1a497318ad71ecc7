#pragma once

#include "autograd/function.h"

namespace lv::ops {

/// Mean of each 2 x 2 block, where the last row or column of an odd size is repeated: the input of a branch at half
/// resolution. x: [N, H, W, C], floating -> [N, ceil(H / 2), ceil(W / 2), C]. Differentiable. Throws ShapeError.
Tensor elastic_downsample(const Tensor& x);

struct ElasticUpsampleAddOptions {
  bool nearest = false;  // cells are repeated; else bilinear with half-pixel centres
  bool relu = false;
};

/// Adds the doubled `small` to `full`, cropping the excess row or column; then multiplies by `scale` and adds `shift`
/// for each channel where these are given (a folded batch norm); then a ReLU where asked for.
/// small: [N, ceil(H / 2), ceil(W / 2), C]; full: [N, H, W, C]; scale, shift: [C], of full's dtype or f32, or both
/// undefined. Differentiable in all. Throws ShapeError, DTypeError.
Tensor elastic_upsample_add(const Tensor& small, const Tensor& full, const Tensor& scale = {}, const Tensor& shift = {},
                            const ElasticUpsampleAddOptions& options = {});

// Definitions, for specs.

struct ElasticDownsample {
  static constexpr std::string_view kName = "elastic_downsample";
  static constexpr auto kCast = autograd::CastPolicy::none;
  static constexpr auto kSecondOrder = autograd::SecondOrder::reference;
  struct Options {};
  static autograd::OutputSpecs infer(autograd::Inputs in, const Options& options);
  static TensorList forward(autograd::Context& ctx, autograd::Inputs in, const Options& options);
  static TensorList backward(autograd::Context& ctx, autograd::Inputs grads, const Options& options);
  static TensorList reference(autograd::Inputs in, const Options& options);
};

struct ElasticUpsampleAdd {
  static constexpr std::string_view kName = "elastic_upsample_add";
  static constexpr auto kCast = autograd::CastPolicy::none;
  static constexpr auto kSecondOrder = autograd::SecondOrder::reference;
  using Options = ElasticUpsampleAddOptions;
  static autograd::OutputSpecs infer(autograd::Inputs in, const Options& options);
  static TensorList forward(autograd::Context& ctx, autograd::Inputs in, const Options& options);
  static TensorList backward(autograd::Context& ctx, autograd::Inputs grads, const Options& options);
  static TensorList reference(autograd::Inputs in, const Options& options);
};

}  // namespace lv::ops
