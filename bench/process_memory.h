#pragma once

#include <cstdint>

namespace lv::bench {

// Of this process, as Linux counts it in /proc/self. Throw IoError where that cannot be read.

int64_t resident_bytes();
/// The most that was resident since the start or the last reset.
int64_t peak_resident_bytes();
void reset_peak_resident_bytes();

}  // namespace lv::bench
