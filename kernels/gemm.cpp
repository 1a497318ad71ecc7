#include "kernels/gemm.h"

#include "kernels/onednn/gemm.h"

namespace lv::kernels::cpu {

void gemm(const GemmArgs& args) {
  if (!onednn::try_gemm(args)) {
    blocked_gemm(args);
  }
}

}  // namespace lv::kernels::cpu
