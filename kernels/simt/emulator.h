#pragma once
// The emulator's public face: how launches are scheduled. Kernels see dialect.h, which builds on the same files.

#include <cstdint>

namespace lv::simt {

/// In which order the threads of a block run between two points where they meet; blocks follow the same order. A
/// correct kernel gives the same result in all three.
enum class LaneOrder : uint8_t {
  forward,
  backward,
  shuffled,  // another order after every meeting point, determined by Options::seed and the block
};

struct Options {
  LaneOrder order = LaneOrder::forward;
  uint32_t seed = 1;
  /// OS threads that share the blocks of a launch. The access checker always uses one.
  int workers = 1;
};

/// Options of every later launch of the process; change them only while no kernel runs. The order starts as the
/// environment variable LV_SIMT_ORDER says: forward (default), backward or shuffled. Throws Error for any other value.
Options& options();

}  // namespace lv::simt
