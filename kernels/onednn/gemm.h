#pragma once

#include "kernels/gemm.h"

namespace lv::kernels::onednn {

/// Runs the product when the library has a fast kernel for it; else does nothing and returns false.
[[nodiscard]] bool try_gemm(const GemmArgs& args);

}  // namespace lv::kernels::onednn
