#pragma once

#include "autograd/function.h"
#include "ops/pool.h"

namespace lv::ops {

enum class Interpolation : uint8_t {
  nearest,        // cell floor(o * scale), as torch's "nearest"
  nearest_exact,  // the cell whose centre is nearest
  bilinear,
  bicubic,  // a = -0.75; -0.5 with antialias
};

struct InterpolateOptions {
  Interpolation mode = Interpolation::bilinear;
  bool align_corners = false;  // the corners' centres coincide; else half-pixel centres
  bool antialias = false;      // when shrinking, widen the filter (bilinear and bicubic)

  auto operator<=>(const InterpolateOptions&) const = default;
};

/// Resizes height and width. x: [N, H, W, C], floating -> [N, size.height, size.width, C]. Differentiable. Throws
/// ShapeError. Equal to torch.nn.functional.interpolate with `size`.
Tensor interpolate(const Tensor& x, Size2d size, const InterpolateOptions& options = {});

/// Resizes by factors: the output size is floor(size * factor), and coordinates use 1 / factor rather than the ratio of
/// the sizes, as torch does for a given scale_factor.
Tensor interpolate_by(const Tensor& x, double height_factor, double width_factor,
                      const InterpolateOptions& options = {});

/// The linear map of both, and with `is_transposed` that of its gradient, from [N, size.height, size.width, C] to
/// [N, input.height, input.width, C].
struct Interpolate {
  static constexpr std::string_view kName = "interpolate";
  static constexpr auto kCast = autograd::CastPolicy::none;
  static constexpr auto kSecondOrder = autograd::SecondOrder::composed;
  struct Options {
    InterpolateOptions how;
    Size2d size;
    std::optional<double> height_factor = {};
    std::optional<double> width_factor = {};
    bool is_transposed = false;
    Size2d input = {};  // of the map that is transposed
  };
  static autograd::OutputSpecs infer(autograd::Inputs in, const Options& options);
  static TensorList forward(autograd::Context& ctx, autograd::Inputs in, const Options& options);
  static TensorList backward(autograd::Context& ctx, autograd::Inputs grads, const Options& options);
  static TensorList reference(autograd::Inputs in, const Options& options);
};

}  // namespace lv::ops
