#include "kernels/conv.h"

// The emulated device's convolution library: device memory is host memory, so the CPU's kernels serve it.

namespace lv::kernels::cuda {

void conv(const ConvArgs& args, Stream) { cpu::conv(args); }
void conv_input_grad(const ConvInputGradArgs& args, Stream) { cpu::conv_input_grad(args); }
void conv_weight_grad(const ConvWeightGradArgs& args, Stream) { cpu::conv_weight_grad(args); }

}  // namespace lv::kernels::cuda
