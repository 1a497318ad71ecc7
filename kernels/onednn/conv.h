#pragma once

#include "kernels/conv.h"

namespace lv::kernels::onednn {

// Each runs its convolution through oneDNN where the library has an optimised implementation, and returns whether it
// did.

[[nodiscard]] bool try_conv(const ConvArgs& args);
[[nodiscard]] bool try_conv_input_grad(const ConvInputGradArgs& args);
[[nodiscard]] bool try_conv_weight_grad(const ConvWeightGradArgs& args);

}  // namespace lv::kernels::onednn
