#pragma once

#include <cstdint>

#include "core/philox.h"

namespace lv::data {

/// The random choices of one sample, one after the other. Whole numbers only: the same on every machine.
class Draws {
 public:
  explicit Draws(PhiloxKey key) : key_(key) {}

  uint32_t bits() {
    if ((next_ & 3) == 0) {
      block_ = random_block(key_, next_ >> 2);
    }
    return block_.w[next_++ & 3];
  }
  /// Uniform in [0, n), n up to 2^32.
  int64_t below(int64_t n) { return int64_t(uint64_t(bits()) * uint64_t(n) >> 32); }
  /// Uniform in [low, high].
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }

 private:
  PhiloxKey key_;
  int64_t next_ = 0;
  PhiloxWords block_{};
};

}  // namespace lv::data
