#pragma once

#include "autograd/function.h"

namespace lv::ops {

/// Cells added before and after an axis.
struct PadAmount {
  int64_t before = 0;
  int64_t after = 0;

  auto operator<=>(const PadAmount&) const = default;
};

/// Surrounds x with `value`. amounts: one for each axis from the last backwards (amounts[0] pads the last axis), at
/// most x's rank. Differentiable. Throws ShapeError.
Tensor pad(const Tensor& x, std::span<const PadAmount> amounts, double value = 0.0);

enum class Mirror : uint8_t {
  reflect,    // without repeating the border cell; amounts below the size
  replicate,  // the border cell repeated
};

/// Continues height and width beyond the border. x: [N, H, W, C] -> [N, H + height, W + width, C]. Differentiable.
Tensor pad_mirrored(const Tensor& x, PadAmount height, PadAmount width, Mirror mirror);

struct ConstantPad {
  static constexpr std::string_view kName = "pad";
  static constexpr auto kCast = autograd::CastPolicy::none;
  static constexpr auto kSecondOrder = autograd::SecondOrder::composed;
  struct Options {
    InlineVector<PadAmount, 4> amounts;  // from the last axis backwards
    double value = 0.0;
    bool is_crop = false;  // the inverse: cuts the amounts off
  };
  static autograd::OutputSpecs infer(autograd::Inputs in, const Options& options);
  static TensorList forward(autograd::Context& ctx, autograd::Inputs in, const Options& options);
  static TensorList backward(autograd::Context& ctx, autograd::Inputs grads, const Options& options);
  static TensorList reference(autograd::Inputs in, const Options& options);
};

struct MirrorPad {
  static constexpr std::string_view kName = "pad_mirrored";
  static constexpr auto kCast = autograd::CastPolicy::none;
  static constexpr auto kSecondOrder = autograd::SecondOrder::composed;
  struct Options {
    PadAmount height;
    PadAmount width;
    Mirror mirror = Mirror::reflect;
    bool is_transposed = false;  // the map of the gradient, from the padded size to the inner one
  };
  static autograd::OutputSpecs infer(autograd::Inputs in, const Options& options);
  static TensorList forward(autograd::Context& ctx, autograd::Inputs in, const Options& options);
  static TensorList backward(autograd::Context& ctx, autograd::Inputs grads, const Options& options);
  static TensorList reference(autograd::Inputs in, const Options& options);
};

}  // namespace lv::ops
