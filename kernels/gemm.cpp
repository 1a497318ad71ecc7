#include "kernels/gemm.h"

namespace lv::kernels::cpu {

void gemm(const GemmArgs& args) { blocked_gemm(args); }

}  // namespace lv::kernels::cpu
