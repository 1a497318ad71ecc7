#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/stream.h"
#include "kernels/simt/emulator.h"
#include "kernels/simt/vector_types.h"

namespace lv::test {

constexpr Stream kStream{Device::cuda(0), nullptr};

/// Restores the emulator's options at the end of the scope.
class OptionsGuard {
 public:
  OptionsGuard() = default;
  ~OptionsGuard() { simt::options() = saved_; }
  OptionsGuard(const OptionsGuard&) = delete;
  OptionsGuard& operator=(const OptionsGuard&) = delete;

 private:
  simt::Options saved_ = simt::options();
};

/// Distinct values between -1 and 1.
inline std::vector<float> wave(size_t n, double step) {
  std::vector<float> result(n);
  for (size_t i = 0; i < n; ++i) {
    result[i] = float(std::sin(double(i) * step));
  }
  return result;
}

/// The same, `n` floats at an alignment of 16 bytes.
inline std::vector<float4> aligned_wave(size_t n) {
  const auto values = wave((n + 3) / 4 * 4, 0.37);
  std::vector<float4> result(values.size() / 4);
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = {values[4 * i], values[4 * i + 1], values[4 * i + 2], values[4 * i + 3]};
  }
  return result;
}

}  // namespace lv::test
