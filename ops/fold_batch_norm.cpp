#include "ops/elementwise.h"
#include "ops/norm.h"
#include "ops/shape.h"

namespace lv::ops {

WeightAndBias fold_batch_norm(const Tensor& conv_weight, const Tensor& conv_bias, const Tensor& weight,
                              const Tensor& bias, const Tensor& running_mean, const Tensor& running_var, double eps) {
  LV_CHECK_SHAPE(conv_weight.rank() >= 1, "fold_batch_norm: conv_weight must be [O, ...], got {}", conv_weight.shape());
  const Shape channels{conv_weight.size(0)};
  for (const Tensor& tensor : {conv_bias, weight, bias, running_mean, running_var}) {
    LV_CHECK_SHAPE(!tensor.defined() || tensor.shape() == channels,
                   "fold_batch_norm: biases, parameters and statistics must be {}, got {} (conv_weight {})", channels,
                   tensor.shape(), conv_weight.shape());
  }
  LV_CHECK_SHAPE(running_mean.defined() && running_var.defined(),
                 "fold_batch_norm: needs running_mean and running_var (conv_weight {})", conv_weight.shape());
  const auto wide = [](const Tensor& x) { return autograd::cast(x, DType::f64); };
  Tensor scale = rsqrt(wide(running_var) + eps);
  scale = weight.defined() ? wide(weight) * scale : scale;
  Tensor shift = (conv_bias.defined() ? wide(conv_bias) - wide(running_mean) : -wide(running_mean)) * scale;
  shift = bias.defined() ? shift + wide(bias) : shift;
  Shape rows = Shape::filled(conv_weight.rank(), 1);
  rows[0] = conv_weight.size(0);
  return {autograd::cast(wide(conv_weight) * reshape(scale, rows), conv_weight.dtype()),
          autograd::cast(shift, conv_weight.dtype())};
}

}  // namespace lv::ops
