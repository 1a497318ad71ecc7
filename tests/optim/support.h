#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/cuda/driver.h"
#include "core/tensor.h"
#if defined(LV_CUDA_EMULATED)
#include "kernels/simt/emulator.h"
#endif

namespace lv::test {

/// The number generator of the reference fixtures: u(name, i) in [-1, 1), seed 1.
inline double fixture_number(const std::string& name, int64_t i) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : name + "#1") {
    hash = (hash ^ uint8_t(c)) * 0x100000001B3ULL;
  }
  uint64_t z = hash + uint64_t(i) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return double((z ^ (z >> 31)) >> 40) / 0x1p23 - 1.0;
}

/// scale * fixture numbers, rounded to float32 once.
inline Tensor fixture_tensor(const std::string& name, const Shape& shape, double scale = 1) {
  std::vector<float> values(size_t(numel(shape)));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = float(scale * fixture_number(name, int64_t(i)));
  }
  return Tensor::from(values, shape);
}

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
