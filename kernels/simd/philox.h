#pragma once
// core/philox.h in vectors, to the same bits.

#include <immintrin.h>

#include "core/philox.h"
#include "kernels/simd/vec.h"

namespace lv::simd {
inline namespace LV_ISA {

/// Random bits of the elements from 4 * block on, as many as kVectors vectors have lanes: lane i of vector v belongs to
/// element v * kLanes + i. Several vectors, because each is one long chain of dependent instructions.
template <int kVectors>
struct RandomBits {
  using Words = native::Vector<uint32_t>;
  using Longs = native::Vector<uint64_t>;
  static constexpr int kBlocks = kVectorBytes / 16;  // of four words, in one vector

  Words bits[kVectors];

  RandomBits(PhiloxKey key, int64_t block) {
    for (int v = 0; v < kVectors; ++v) {
      bits[v] = counters(block + v * kBlocks, key.offset);
    }
    Longs round_key = pairs(uint32_t(key.seed), uint32_t(key.seed >> 32));
    for (int round = 0; round < 10; ++round) {
      for (int v = 0; v < kVectors; ++v) {
        bits[v] = next(bits[v], round_key);
      }
      round_key = Longs(Words(round_key) + Words(pairs(0x9E3779B9U, 0xBB67AE85U)));
    }
  }

 private:
  /// (first, second) in the even and the odd longs.
  static Longs pairs(uint64_t first, uint64_t second) {
    Longs v{};
    for (int i = 0; i < 2 * kBlocks; ++i) {
      v[i] = i % 2 == 0 ? first : second;
    }
    return v;
  }
  static Words counters(int64_t block, uint64_t offset) {
    Longs v{};
    for (int i = 0; i < kBlocks; ++i) {
      v[2 * i] = uint64_t(block) + uint64_t(i);
      v[2 * i + 1] = offset;
    }
    return Words(v);
  }
  /// The products of the even words, 64 bits each.
  static Longs multiply_even(Words a, Longs b) {
#if defined(LV_SIMD_AVX512)
    return Longs(_mm512_maskz_mul_epu32(native::kAllDoubles, __m512i(a), __m512i(b)));
#elif defined(LV_SIMD_AVX2)
    return Longs(_mm256_mul_epu32(__m256i(a), __m256i(b)));
#else
    return Longs(_mm_mul_epu32(__m128i(a), __m128i(b)));
#endif
  }
  /// A round: with the products p0 and p1 of words 0 and 2, (high p1 ^ w1 ^ k0, low p1, high p0 ^ w3 ^ k1, low p0),
  /// which are the words of (p0, p1) in reverse and, in the places of the high ones, words 1 and 3 and the key.
  static Words next(Words w, Longs round_key) {
    const Words products = Words(multiply_even(w, pairs(0xD2511F53U, 0xCD9E8D57U)));
    const Words reversed = [products]<int... kLane>(std::integer_sequence<int, kLane...>) {
      return __builtin_shufflevector(products, products, (kLane ^ 3)...);
    }(std::make_integer_sequence<int, 4 * kBlocks>{});
    return reversed ^ Words((Longs(w) >> 32) ^ round_key);
  }
};

/// uniform_from_bits of each lane.
inline Vec<float> uniform_from_bits(native::Vector<uint32_t> bits) {
  return convert<float>(Vec<int32_t>(native::I32(bits >> 8))) * Vec<float>(0x1p-24F);
}

}  // namespace LV_ISA
}  // namespace lv::simd
