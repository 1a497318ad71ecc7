#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace lv::kernels::cpu::LV_ISA {

/// Channels that are worked on together: their running values stay in registers while a window is walked.
inline constexpr int64_t kChannelBlock = 64;

/// Calls fn(c, count) for the blocks of [0, channels). The count of a whole block is a compile-time constant, so that
/// the loops over it unroll into plain vector instructions.
template <class Fn>
void for_each_channel_block(int64_t channels, Fn&& fn) {
  int64_t c = 0;
  for (; c + kChannelBlock <= channels; c += kChannelBlock) {
    fn(c, std::integral_constant<int64_t, kChannelBlock>{});
  }
  if (c < channels) {
    fn(c, channels - c);
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
