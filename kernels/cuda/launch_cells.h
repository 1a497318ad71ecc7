#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/cuda/per_channel.cuh"

namespace lv::kernels::cuda {

/// Runs the cells of `args` (plan_cells) in `dtype`, f32 or f64, one thread each.
template <class Args>
void launch_cells(const Args& args, DType dtype, Stream stream) {
  const auto run = [&](const auto& cell, int64_t n) {
    launch(per_channel_kernel<std::remove_cvref_t<decltype(cell)>>, blocks_for(n), kElementThreads, 0, stream, cell, n);
  };
  if (dtype == DType::f64) {
    plan_cells<double>(args, run);
  } else {
    plan_cells<float>(args, run);
  }
}

}  // namespace lv::kernels::cuda
