#include "models/conv_norm.h"

#include "autograd/autocast.h"
#include "autograd/basic_ops.h"
#include "nn/init.h"

namespace lv::models {

ConvNorm::ConvNorm(int64_t in, int64_t out, const Options& options)
    : conv(in, out, {options.kernel, options.kernel},
           {.conv = {.stride = {options.stride, options.stride},
                     .padding = {options.kernel / 2, options.kernel / 2},
                     .groups = options.groups},
            .has_bias = false}),
      norm(out) {
  nn::init::kaiming_normal(conv.weight, nn::init::Fan::out);
}

Tensor ConvNorm::run(const Tensor& x, const Tensor& residual, bool relu) {
  if (!norm.is_training() && !autograd::grad_enabled() && !nn::layers_are_observed()) {
    const auto& [weight, bias] = folded();
    ops::Conv2dOptions options = conv.options();
    options.relu = relu;
    return ops::conv2d(x, weight, bias, options, residual);
  }
  const Tensor y = conv.forward(x);
  if (residual.defined()) {
    return norm.forward_add_relu(y, residual);
  }
  return relu ? norm.forward_relu(y) : norm.forward(y);
}

const ops::WeightAndBias& ConvNorm::folded() {
  const std::array<const Tensor*, 5> tensors = {&conv.weight, &norm.weight, &norm.bias, &norm.running_mean,
                                                &norm.running_var};
  const std::optional<DType> low = autograd::autocast_dtype();
  const bool is_current =
      low == low_ &&
      std::equal(tensors.begin(), tensors.end(), sources_.begin(), [](const Tensor* tensor, const Source& source) {
        return tensor->is_same(source.tensor) && tensor->version() == source.version;
      });
  if (!is_current) {
    // Filters keep their channels innermost, as convolutions read them.
    const Tensor filters = conv.weight.permute({0, 2, 3, 1});
    folded_ =
        ops::fold_batch_norm(filters, {}, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.eps());
    folded_.weight = folded_.weight.permute({0, 3, 1, 2});
    for (Tensor* tensor : {&folded_.weight, &folded_.bias}) {
      *tensor = low ? autograd::autocast({tensor, 1}, autograd::CastPolicy::low, *low)[0] : *tensor;
    }
    std::transform(tensors.begin(), tensors.end(), sources_.begin(),
                   [](const Tensor* tensor) { return Source{*tensor, tensor->version()}; });
    low_ = low;
  }
  return folded_;
}

}  // namespace lv::models
