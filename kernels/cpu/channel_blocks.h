#pragma once

#include <cstdint>

#include "kernels/simd/loop.h"

namespace lv::kernels::cpu::LV_ISA {

/// Calls body.operator()<kVectors>(c, lanes) for blocks of `kVectors` vectors of channels that cover [0, channels): as
/// many at a time as can keep their running values in registers while a window is walked.
template <class T, class Body>
[[gnu::always_inline]] inline void for_each_channel_block(int64_t channels, Body&& body) {
  constexpr int64_t kLanes = simd::Vec<simd::Lane<T>>::kLanes;
  int64_t c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) {
    body.template operator()<4>(c, simd::WholeVector{});
  }
  for (; c + kLanes <= channels; c += kLanes) {
    body.template operator()<1>(c, simd::WholeVector{});
  }
  if (c < channels) {
    body.template operator()<1>(c, simd::PartVector{channels - c});
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
