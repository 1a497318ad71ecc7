#pragma once

#include <bit>
#include <cstdint>

#include "core/hostdev.h"

namespace lv {

// 16-bit types are storage only: arithmetic is done in float. Both round to nearest even; infinities and NaN survive.

/// bfloat16: the upper half of a float32.
struct BFloat16 {
  uint16_t bits = 0;

  BFloat16() = default;
  LV_HOSTDEV explicit BFloat16(float value) {
    const auto u = std::bit_cast<uint32_t>(value);
    const bool is_nan = (u & 0x7fffffffU) > 0x7f800000U;
    bits = is_nan ? uint16_t((u >> 16) | 0x40U) : uint16_t((u + 0x7fffU + ((u >> 16) & 1U)) >> 16);
  }
  LV_HOSTDEV explicit operator float() const { return std::bit_cast<float>(uint32_t(bits) << 16); }
};

/// IEEE binary16.
struct Half {
  uint16_t bits = 0;

  Half() = default;
  LV_HOSTDEV explicit Half(float value) {
    const auto u = std::bit_cast<uint32_t>(value);
    const auto sign = uint16_t((u >> 16) & 0x8000U);
    const uint32_t magnitude = u & 0x7fffffffU;
    if (magnitude > 0x7f800000U) {
      bits = sign | 0x7e00U;  // NaN
    } else if (magnitude >= 0x477ff000U) {
      bits = sign | 0x7c00U;  // rounds to 65536 or above, or is infinite
    } else if (magnitude < 0x38800000U) {
      // Subnormal result: adding 0.5 puts the rounding position at the last bit of the half's fraction.
      const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
      bits = sign | uint16_t(std::bit_cast<uint32_t>(shifted) - 0x3f000000U);
    } else {
      bits = sign | uint16_t((magnitude - 0x38000000U + 0xfffU + ((magnitude >> 13) & 1U)) >> 13);
    }
  }
  LV_HOSTDEV explicit operator float() const {
    const uint32_t sign = uint32_t(bits & 0x8000U) << 16;
    const uint32_t magnitude = uint32_t(bits & 0x7fffU) << 13;
    if (magnitude >= 0x0f800000U) {  // infinity or NaN
      return std::bit_cast<float>(sign | magnitude | 0x7f800000U);
    }
    // Scaling by 2^112 rebiases the exponent and normalises subnormals in one multiplication.
    const float scaled = std::bit_cast<float>(magnitude) * std::bit_cast<float>(0x77800000U);
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(scaled));
  }
};

}  // namespace lv
