#include "kernels/conv.h"

#include "kernels/onednn/conv.h"

namespace lv::kernels::cpu {

void conv(const ConvArgs& args) {
  if (!onednn::try_conv(args)) {
    blocked_conv(args);
  }
}

void conv_input_grad(const ConvInputGradArgs& args) {
  if (!onednn::try_conv_input_grad(args)) {
    blocked_conv_input_grad(args);
  }
}

void conv_weight_grad(const ConvWeightGradArgs& args) {
  if (!onednn::try_conv_weight_grad(args)) {
    blocked_conv_weight_grad(args);
  }
}

}  // namespace lv::kernels::cpu
