#pragma once
// Counter-based random numbers (Philox4x32-10). A value depends on the key and the index of the element alone, never on
// a thread, so the CPU, the GPU and the emulator give the same bits.

#include <bit>
#include <cstdint>

#include "core/hostdev.h"

namespace lv {

/// What one random op draws from: claimed from a Generator, which gives every op an offset of its own.
struct PhiloxKey {
  uint64_t seed = 0;
  uint64_t offset = 0;

  constexpr bool operator==(const PhiloxKey&) const = default;
};

/// Four 32-bit words: a counter or a block of output.
struct PhiloxWords {
  uint32_t w[4];
};

/// Ten rounds of Philox4x32 on `counter` with the key (key0, key1).
LV_HOSTDEV PhiloxWords philox4x32_10(PhiloxWords counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t(0xD2511F53U) * counter.w[0];
    const uint64_t product1 = uint64_t(0xCD9E8D57U) * counter.w[2];
    counter = {{uint32_t(product1 >> 32) ^ counter.w[1] ^ key0, uint32_t(product1),
                uint32_t(product0 >> 32) ^ counter.w[3] ^ key1, uint32_t(product0)}};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return counter;
}

/// Random bits of the four elements from 4 * block on.
LV_HOSTDEV PhiloxWords random_block(PhiloxKey key, int64_t block) {
  const PhiloxWords counter{
      {uint32_t(block), uint32_t(uint64_t(block) >> 32), uint32_t(key.offset), uint32_t(key.offset >> 32)}};
  return philox4x32_10(counter, uint32_t(key.seed), uint32_t(key.seed >> 32));
}

LV_HOSTDEV uint32_t random_bits(PhiloxKey key, int64_t index) { return random_block(key, index >> 2).w[index & 3]; }

/// A uniform number of 24 bits in [0, 1).
LV_HOSTDEV float uniform_from_bits(uint32_t bits) { return float(bits >> 8) * 0x1p-24F; }

LV_HOSTDEV float random_uniform(PhiloxKey key, int64_t index) { return uniform_from_bits(random_bits(key, index)); }

namespace detail {

// Note [Same bits everywhere]: every sum of a product is written as a fused multiply-add, so there is nothing left that
// a compiler could contract or not, and all functions used are correctly rounded by IEEE 754.
LV_HOSTDEV float fused_multiply_add(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}

LV_HOSTDEV float exact_sqrt(float x) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(x);
#else
  return __builtin_sqrtf(x);
#endif
}

/// Natural logarithm of a positive normal number; relative error below 2^-23.
LV_HOSTDEV float log_of_normal(float x) {
  const auto bits = std::bit_cast<int32_t>(x);
  // x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2))
  const int32_t shifted = bits - 0x3f3504f3;
  const auto e = float(shifted >> 23);
  const float f = std::bit_cast<float>((shifted & 0x007fffff) + 0x3f3504f3) - 1.0F;
  // log(1 + f) = f - f^2/2 + f^3 p(f); minimax p, relative error of the whole 2^-27
  float p = -0x1.38b274p-4F;
  p = fused_multiply_add(p, f, 0x1.055a60p-3F);
  p = fused_multiply_add(p, f, -0x1.0d8550p-3F);
  p = fused_multiply_add(p, f, 0x1.22da44p-3F);
  p = fused_multiply_add(p, f, -0x1.547248p-3F);
  p = fused_multiply_add(p, f, 0x1.99a006p-3F);
  p = fused_multiply_add(p, f, -0x1.000226p-2F);
  p = fused_multiply_add(p, f, 0x1.555554p-2F);
  p = fused_multiply_add(p, f, -0.5F);
  // ln 2 in two parts, the upper one short enough for an exact product with e
  const float rest = fused_multiply_add(e, -0x1.bd0106p-13F, fused_multiply_add(f * f, p, f));
  return fused_multiply_add(e, 0x1.63p-1F, rest);
}

}  // namespace detail

struct NormalPair {
  float first;
  float second;
};

/// Two independent standard normal numbers (Box-Muller) from two words of random bits; see Note [Same bits everywhere].
LV_HOSTDEV NormalPair normals_from_bits(uint32_t radius_bits, uint32_t angle_bits) {
  using detail::fused_multiply_add;
  const float u = fused_multiply_add(float(radius_bits), 0x1p-32F, 0x1p-33F);  // in (0, 1]
  const float radius = detail::exact_sqrt(-2.0F * detail::log_of_normal(u));
  // The angle is (quadrant + x) quarter turns, x in [-1/2, 1/2).
  const uint32_t quadrant = (angle_bits + 0x20000000U) >> 30;
  const float x = float(int32_t(angle_bits - (quadrant << 30))) * 0x1p-30F;
  const float x2 = x * x;
  float s = -0x1.2d9302p-8F;  // sin(pi/2 x) / x, relative error 2^-28
  s = fused_multiply_add(s, x2, 0x1.465e92p-4F);
  s = fused_multiply_add(s, x2, -0x1.4abbbap-1F);
  s = fused_multiply_add(s, x2, 0x1.921fb6p+0F) * x;
  float c = 0x1.d9d582p-11F;  // cos(pi/2 x), relative error 2^-33
  c = fused_multiply_add(c, x2, -0x1.55c5e0p-6F);
  c = fused_multiply_add(c, x2, 0x1.03c1dep-2F);
  c = fused_multiply_add(c, x2, -0x1.3bd3ccp+0F);
  c = fused_multiply_add(c, x2, 1.0F);
  const bool swapped = (quadrant & 1U) != 0;
  const float cosine = (swapped ? s : c) * (quadrant == 1 || quadrant == 2 ? -1.0F : 1.0F);
  const float sine = (swapped ? c : s) * (quadrant >= 2 ? -1.0F : 1.0F);
  // As additions of zero, these products cannot be contracted with a sum at the caller.
  return {fused_multiply_add(radius, cosine, 0.0F), fused_multiply_add(radius, sine, 0.0F)};
}

/// A standard normal number; elements 2i and 2i + 1 form a pair.
LV_HOSTDEV float random_normal(PhiloxKey key, int64_t index) {
  const PhiloxWords bits = random_block(key, index >> 2);
  const int pair = int(index & 2);
  const NormalPair normals = normals_from_bits(bits.w[pair], bits.w[pair + 1]);
  return (index & 1) == 0 ? normals.first : normals.second;
}

}  // namespace lv
