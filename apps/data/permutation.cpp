#include "apps/data/permutation.h"

#include <algorithm>
#include <bit>

#include "core/error.h"

namespace lv::data {

namespace {

constexpr int kRounds = 8;

/// A Feistel network on numbers of 2 * half_bits bits: one to one whatever the rounds mix in.
uint64_t scrambled(PhiloxKey key, int half_bits, uint64_t value) {
  const uint64_t mask = (uint64_t{1} << half_bits) - 1;
  uint64_t left = value >> half_bits;
  uint64_t right = value & mask;
  for (int round = 0; round < kRounds; ++round) {
    const uint32_t bits = random_block(key, int64_t(round) << 32 | int64_t(right)).w[0];
    const uint64_t mixed = (left ^ bits) & mask;
    left = right;
    right = mixed;
  }
  return left << half_bits | right;
}

}  // namespace

int64_t permuted(PhiloxKey key, int64_t n, int64_t position) {
  LV_CHECK(n > 0 && n <= int64_t{1} << 62 && position >= 0 && position < n,
           "permuted: position {} is not in [0, {}), or there are more than 2^62 elements", position, n);
  const int half_bits = std::max(1, int(std::bit_width(uint64_t(n - 1)) + 1) / 2);
  // Following the cycle until it comes back into [0, n) restricts the permutation to that range; the network has fewer
  // than 4 n elements, so that takes fewer than four steps on average.
  uint64_t value = uint64_t(position);
  do {
    value = scrambled(key, half_bits, value);
  } while (value >= uint64_t(n));
  return int64_t(value);
}

}  // namespace lv::data
