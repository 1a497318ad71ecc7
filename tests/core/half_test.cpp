#include "core/half.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

using namespace lv;

namespace {

Half half_from_bits(uint32_t bits) {
  Half h;
  h.bits = uint16_t(bits);
  return h;
}

BFloat16 bfloat16_from_bits(uint32_t bits) {
  BFloat16 b;
  b.bits = uint16_t(bits);
  return b;
}

/// The value of a 16-bit floating pattern by the definition of the format.
double value_of(uint32_t bits, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = int(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const int fraction = int(bits) & ((1 << fraction_bits) - 1);
  const double sign = (bits & 0x8000U) != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) {
    return fraction != 0 ? std::nan("") : sign * std::numeric_limits<double>::infinity();
  }
  const double significand = exponent == 0 ? fraction : fraction + (1 << fraction_bits);
  return sign * std::ldexp(significand, std::max(exponent, 1) - bias - fraction_bits);
}

/// Rounds to the nearest value with `fraction_bits` and least exponent `min_exponent`, ties to even, in double.
double rounded(float value, int fraction_bits, int min_exponent, double overflow) {
  const int exponent = std::max(value == 0 ? min_exponent : std::ilogb(value), min_exponent);
  const double result =
      std::ldexp(std::nearbyint(std::ldexp(double(value), fraction_bits - exponent)), exponent - fraction_bits);
  return std::abs(result) >= overflow ? std::copysign(std::numeric_limits<double>::infinity(), double(value)) : result;
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

/// Floats on and beside every boundary between neighbouring patterns of the 16-bit format, and a spread of others.
template <class Visit>
void for_each_float(Visit&& visit) {
  for (uint64_t bits = 0; bits <= 0xffffffff; bits += 4099) {
    visit(std::bit_cast<float>(uint32_t(bits)));
  }
  for (uint32_t pattern = 0; pattern < 0x8000; ++pattern) {
    for (const float start : {float(half_from_bits(pattern)), float(bfloat16_from_bits(pattern))}) {
      const auto bits = std::bit_cast<uint32_t>(start);
      for (const uint32_t middle : {0x1000U, 0x8000U}) {  // half a step of the fraction of Half and of BFloat16
        for (const int delta : {-1, 0, 1}) {
          visit(std::bit_cast<float>(bits + middle + uint32_t(delta)));
          visit(-std::bit_cast<float>(bits + middle + uint32_t(delta)));
        }
      }
    }
  }
  for (int step = 0; step <= 4096; ++step) {  // ties among subnormal halves: multiples of 2^-25
    visit(std::ldexp(float(step), -25));
    visit(-std::nextafter(std::ldexp(float(step), -25), 1.0F));
  }
}

}  // namespace

TEST_CASE("every 16-bit pattern widens to the value that its format defines") {
  int wrong = 0;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    wrong += !same(double(float(half_from_bits(bits))), value_of(bits, 5, 10));
    wrong += !same(double(float(bfloat16_from_bits(bits))), value_of(bits, 8, 7));
  }
  REQUIRE(wrong == 0);
}

TEST_CASE("every 16-bit pattern survives the way through float") {
  int wrong = 0;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if (!std::isnan(value_of(bits, 5, 10))) {
      wrong += Half(float(half_from_bits(bits))).bits != bits;
    }
    if (!std::isnan(value_of(bits, 8, 7))) {
      wrong += BFloat16(float(bfloat16_from_bits(bits))).bits != bits;
    }
  }
  REQUIRE(wrong == 0);
}

TEST_CASE("floats narrow to the nearest 16-bit value, ties to even") {
  int64_t wrong = 0;
  for_each_float([&](float value) {
    if (std::isnan(value)) {
      wrong += !std::isnan(float(Half(value))) || !std::isnan(float(BFloat16(value)));
    } else if (std::isinf(value)) {
      wrong += float(Half(value)) != value || float(BFloat16(value)) != value;
    } else {
      wrong += !same(double(float(Half(value))), rounded(value, 10, -14, 65536.0));
      wrong += !same(double(float(BFloat16(value))), rounded(value, 7, -126, 0x1p128));
    }
  });
  REQUIRE(wrong == 0);
}
