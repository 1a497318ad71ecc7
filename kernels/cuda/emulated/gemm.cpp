#include "kernels/gemm.h"

// The emulated device's matrix library: device memory is host memory, so the CPU's kernels serve it.

namespace lv::kernels::cuda {

void gemm(const GemmArgs& args, Stream) { cpu::gemm(args); }

}  // namespace lv::kernels::cuda
