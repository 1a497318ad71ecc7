#include "nn/conv_transpose2d.h"

#include <cmath>

#include "nn/init.h"

namespace lv::nn {

ConvTranspose2d::ConvTranspose2d(int64_t in, int64_t out, ops::Size2d kernel, const ConvTranspose2dOptions& options)
    : options_(options.conv) {
  const int64_t groups = options_.groups;
  LV_CHECK_SHAPE(groups >= 1 && in % groups == 0 && out % groups == 0,
                 "ConvTranspose2d: {} groups do not divide {} and {} channels", groups, in, out);
  weight = Tensor::empty({in, out / groups, kernel.height, kernel.width});
  init::kaiming_uniform(weight, std::sqrt(5.0));
  add_parameter("weight", weight);
  if (options.has_bias) {
    bias = Tensor::empty({out});
    const double limit = 1.0 / std::sqrt(double(init::fan_in(weight.shape())));
    init::uniform(bias, -limit, limit);
    add_parameter("bias", bias);
  }
}

Tensor ConvTranspose2d::forward(const Tensor& x) const {
  return run_layer("ConvTranspose2d", x, [&] { return ops::conv_transpose2d(x, weight, bias, options_); });
}

int64_t ConvTranspose2d::multiply_adds(const Shape& input, const Shape& /*output*/) const {
  return numel(input) * init::fan_in(weight.shape());
}

}  // namespace lv::nn
