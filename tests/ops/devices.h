#pragma once

#include <vector>

#include "core/cuda/driver.h"
#include "core/device.h"

namespace lv::test {

/// The CPU, and the first device where there is one: for ops without a spec, whose checks run on both.
inline std::vector<Device> devices() {
  std::vector<Device> found{Device::cpu()};
  if (cuda::device_count() > 0) {
    found.push_back(Device::cuda());
  }
  return found;
}

}  // namespace lv::test
