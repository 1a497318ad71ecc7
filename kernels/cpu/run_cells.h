#pragma once

#include "core/dtype.h"

namespace lv::kernels::cpu::LV_ISA {

/// Runs the cells of `args` (plan_cells) in `dtype`, f32 or f64. For work of a few thousand channels: one thread.
template <class Args>
void run_cells(const Args& args, DType dtype) {
  const auto run = [](const auto& cell, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      cell(i);
    }
  };
  if (dtype == DType::f64) {
    plan_cells<double>(args, run);
  } else {
    plan_cells<float>(args, run);
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
