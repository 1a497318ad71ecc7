#include "nn/conv2d.h"

#include <cmath>

#include "nn/init.h"

namespace lv::nn {

Conv2d::Conv2d(int64_t in, int64_t out, ops::Size2d kernel, const Conv2dOptions& options) : options_(options.conv) {
  const int64_t groups = options_.groups;
  LV_CHECK_SHAPE(groups >= 1 && in % groups == 0 && out % groups == 0,
                 "Conv2d: {} groups do not divide {} and {} channels", groups, in, out);
  weight = Tensor::empty({out, kernel.height, kernel.width, in / groups}).permute({0, 3, 1, 2});
  init::kaiming_uniform(weight, std::sqrt(5.0));
  add_parameter("weight", weight);
  if (options.has_bias) {
    bias = Tensor::empty({out});
    const double limit = 1.0 / std::sqrt(double(init::fan_in(weight.shape())));
    init::uniform(bias, -limit, limit);
    add_parameter("bias", bias);
  }
}

Tensor Conv2d::forward(const Tensor& x) const {
  return run_layer("Conv2d", x, [&] { return ops::conv2d(x, weight, bias, options_); });
}

int64_t Conv2d::multiply_adds(const Shape& /*input*/, const Shape& output) const {
  return numel(output) * init::fan_in(weight.shape());
}

}  // namespace lv::nn
