#include "ops/interpolate.h"

#include <cmath>

#include "ops/resample_axis.h"

namespace lv::ops {

using autograd::Context;
using autograd::Inputs;
using autograd::OutputSpecs;

namespace {

/// Keys' cubic convolution kernel.
double cubic(double t, double a) {
  t = std::abs(t);
  if (t <= 1) {
    return ((a + 2) * t - (a + 3)) * t * t + 1;
  }
  return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0.0;
}

double triangle(double t) { return std::max(0.0, 1.0 - std::abs(t)); }

/// Where outputs lie among the inputs, along one axis.
struct Coordinates {
  int64_t in;
  int64_t out;
  bool align_corners;
  double step;  // inputs per output

  Coordinates(int64_t in_size, int64_t out_size, std::optional<double> factor, bool align)
      : in(in_size), out(out_size), align_corners(align) {
    if (align) {
      step = out > 1 ? double(in - 1) / double(out - 1) : 0.0;
    } else {
      step = factor ? 1.0 / *factor : double(in) / double(out);
    }
  }
  [[nodiscard]] double source(int64_t o) const {
    return align_corners ? double(o) * step : (double(o) + 0.5) * step - 0.5;
  }
  [[nodiscard]] int64_t clamp(int64_t i) const { return std::clamp<int64_t>(i, 0, in - 1); }
};

void add_nearest(AxisMap& map, const Coordinates& at, int64_t o, bool is_exact) {
  map.add(o, at.clamp(int64_t(std::floor((double(o) + (is_exact ? 0.5 : 0.0)) * at.step))), 1.0);
}

void add_linear(AxisMap& map, const Coordinates& at, int64_t o) {
  const double source = std::max(0.0, at.source(o));
  const int64_t left = at.clamp(int64_t(std::floor(source)));
  const double fraction = std::clamp(source - double(left), 0.0, 1.0);
  map.add(o, left, 1.0 - fraction);
  map.add(o, at.clamp(left + 1), fraction);
}

void add_cubic(AxisMap& map, const Coordinates& at, int64_t o) {
  constexpr double kA = -0.75;
  const double source = at.source(o);
  const auto centre = int64_t(std::floor(source));
  for (int64_t i = centre - 1; i <= centre + 2; ++i) {
    map.add(o, at.clamp(i), cubic(source - double(i), kA));
  }
}

void add_antialiased(AxisMap& map, const Coordinates& at, int64_t o, bool is_cubic) {
  constexpr double kA = -0.5;
  const double stretch = std::max(at.step, 1.0);
  const double support = (is_cubic ? 2.0 : 1.0) * stretch;
  const double centre = at.step * (double(o) + 0.5);
  const int64_t begin = std::max<int64_t>(0, int64_t(centre - support + 0.5));
  const int64_t end = std::min(at.in, int64_t(centre + support + 0.5));
  double total = 0;
  std::vector<double> weights;
  for (int64_t i = begin; i < end; ++i) {
    const double t = (double(i) - centre + 0.5) / stretch;
    weights.push_back(is_cubic ? cubic(t, kA) : triangle(t));
    total += weights.back();
  }
  for (int64_t i = begin; i < end; ++i) {
    map.add(o, i, weights[size_t(i - begin)] / total);
  }
}

/// What the map of one axis follows from.
struct ResizeRule {
  InterpolateOptions how;
  int64_t in;
  int64_t out;
  std::optional<double> factor;
  bool is_transposed;

  auto operator<=>(const ResizeRule&) const = default;

  [[nodiscard]] AxisMap map() const {
    const Coordinates at(in, out, factor, how.align_corners);
    AxisMap map{.in = in, .terms = std::vector<std::vector<AxisMap::Term>>(size_t(out))};
    const bool is_cubic = how.mode == Interpolation::bicubic;
    for (int64_t o = 0; o < out; ++o) {
      if (how.mode == Interpolation::nearest || how.mode == Interpolation::nearest_exact) {
        add_nearest(map, at, o, how.mode == Interpolation::nearest_exact);
      } else if (how.antialias) {
        add_antialiased(map, at, o, is_cubic);
      } else if (is_cubic) {
        add_cubic(map, at, o);
      } else {
        add_linear(map, at, o);
      }
    }
    return is_transposed ? map.transposed() : map;
  }
};

struct Rules {
  ResizeRule height;
  ResizeRule width;
};

Rules rules_of(const Shape& x, const Interpolate::Options& options) {
  const auto& [how, size, height_factor, width_factor, is_transposed, input] = options;
  const Size2d from = is_transposed ? input : Size2d{x[1], x[2]};
  return {{how, from.height, size.height, height_factor, is_transposed},
          {how, from.width, size.width, width_factor, is_transposed}};
}

}  // namespace

OutputSpecs Interpolate::infer(Inputs in, const Options& options) {
  const Shape& x = in[0].shape();
  const auto& [how, size, height_factor, width_factor, is_transposed, input] = options;
  LV_CHECK_SHAPE(x.rank() == 4, "interpolate: x must be [N, H, W, C], got {}", x);
  LV_CHECK_DTYPE(is_floating(in[0].dtype()), "interpolate: x must be floating, got {}", in[0].dtype());
  LV_CHECK_SHAPE(x[1] >= 1 && x[2] >= 1, "interpolate: x {} has no cells to interpolate", x);
  LV_CHECK_SHAPE(size.height >= 1 && size.width >= 1, "interpolate: output size {} x {} must be positive (x {})",
                 size.height, size.width, x);
  const bool is_nearest = how.mode == Interpolation::nearest || how.mode == Interpolation::nearest_exact;
  LV_CHECK(!is_nearest || (!how.align_corners && !how.antialias),
           "interpolate: align_corners and antialias need bilinear or bicubic");
  if (is_transposed) {
    LV_CHECK_SHAPE(x[1] == size.height && x[2] == size.width,
                   "interpolate: the gradient must be [N, {}, {}, C], got {}", size.height, size.width, x);
    return {{{x[0], input.height, input.width, x[3]}, in[0].dtype()}};
  }
  return {{{x[0], size.height, size.width, x[3]}, in[0].dtype()}};
}

TensorList Interpolate::forward(Context& ctx, Inputs in, const Options& options) {
  const Tensor x = ctx.dense(in[0]);
  const auto [height, width] = rules_of(x.shape(), options);
  return {apply_axis_rules(x, height, width)};
}

TensorList Interpolate::backward(Context& ctx, Inputs grads, const Options& options) {
  Options transposed = options;
  transposed.is_transposed = !options.is_transposed;
  if (transposed.is_transposed) {
    transposed.input = {ctx.input_shape(0)[1], ctx.input_shape(0)[2]};
  }
  return autograd::apply<Interpolate>({grads[0]}, transposed);
}

TensorList Interpolate::reference(Inputs in, const Options& options) {
  const auto [height, width] = rules_of(in[0].shape(), options);
  return {apply_axis_maps_plainly(in[0], height.map(), width.map())};
}

Tensor interpolate(const Tensor& x, Size2d size, const InterpolateOptions& options) {
  return autograd::apply<Interpolate>({x}, {.how = options, .size = size})[0];
}

Tensor interpolate_by(const Tensor& x, double height_factor, double width_factor, const InterpolateOptions& options) {
  LV_CHECK_SHAPE(x.rank() == 4, "interpolate: x must be [N, H, W, C], got {}", x.shape());
  const Size2d size{int64_t(std::floor(double(x.size(1)) * height_factor)),
                    int64_t(std::floor(double(x.size(2)) * width_factor))};
  return autograd::apply<Interpolate>(
      {x}, {.how = options, .size = size, .height_factor = height_factor, .width_factor = width_factor})[0];
}

}  // namespace lv::ops
