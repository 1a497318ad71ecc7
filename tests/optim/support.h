#pragma once

#include <vector>

#include "core/cuda/driver.h"
#include "core/tensor.h"
#include "tests/fixture_numbers.h"
#if defined(LV_CUDA_EMULATED)
#include "kernels/simt/emulator.h"
#endif

namespace lv::test {

inline std::vector<double> doubles(const Tensor& tensor) {
  return tensor.to(Device::cpu()).to(DType::f64).contiguous().to_vector<double>();
}

/// The CPU and, where there is one, the device.
inline std::vector<Device> devices() {
  return cuda::device_count() > 0 ? std::vector{Device::cpu(), Device::cuda()} : std::vector{Device::cpu()};
}

/// Calls `run` for every lane order of the emulator; once on anything else.
template <class Fn>
void in_every_lane_order([[maybe_unused]] Device device, Fn&& run) {
#if defined(LV_CUDA_EMULATED)
  if (device.is_cuda()) {
    for (const auto order : {simt::LaneOrder::forward, simt::LaneOrder::backward, simt::LaneOrder::shuffled}) {
      simt::options().order = order;
      run();
    }
    simt::options().order = simt::LaneOrder::forward;
    return;
  }
#endif
  run();
}

}  // namespace lv::test
