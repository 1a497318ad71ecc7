#pragma once

#include <cstdint>
#include <string>

#include "core/error.h"

namespace lv {

enum class DeviceType : uint8_t { cpu, cuda };

/// Where data lives and kernels run. The CPU has index 0.
struct Device {
  DeviceType type = DeviceType::cpu;
  int8_t index = 0;

  [[nodiscard]] constexpr bool is_cpu() const { return type == DeviceType::cpu; }
  [[nodiscard]] constexpr bool is_cuda() const { return type == DeviceType::cuda; }
  constexpr bool operator==(const Device&) const = default;

  static constexpr Device cpu() { return {}; }
  static constexpr Device cuda(int index = 0) { return {DeviceType::cuda, int8_t(index)}; }
};

}  // namespace lv

template <>
struct fmt::formatter<lv::Device> : fmt::formatter<std::string> {
  auto format(lv::Device device, format_context& context) const {
    return fmt::formatter<std::string>::format(device.is_cpu() ? "cpu" : fmt::format("cuda:{}", device.index), context);
  }
};
