#pragma once

#include <cstdint>

#include "core/philox.h"

namespace lv::data {

/// Element `position` of the permutation of [0, n) that `key` chooses; n up to 2^62. Takes the same short time anywhere
/// in the permutation and no memory.
[[nodiscard]] int64_t permuted(PhiloxKey key, int64_t n, int64_t position);

}  // namespace lv::data
