#include "kernels/conv.h"

namespace lv::kernels::cpu {

void conv(const ConvArgs& args) { blocked_conv(args); }

void conv_input_grad(const ConvInputGradArgs& args) { blocked_conv_input_grad(args); }

void conv_weight_grad(const ConvWeightGradArgs& args) { blocked_conv_weight_grad(args); }

}  // namespace lv::kernels::cpu
