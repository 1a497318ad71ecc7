#pragma once

#include <algorithm>
#include <vector>

#include "core/parallel.h"
#include "kernels/cpu/product_math.h"

// How many small groups of a convolution fill the lanes of vectors, and the window of lines that its taps read.

namespace lv::kernels::cpu::LV_ISA {

/// Groups of `in` input and `out` output channels, and how they fill vectors of M's units and sums.
struct GroupLanes {
  int64_t groups, in, out;

  /// Whether the channels are so few that a unit is one of them in two lines, not two of them.
  template <class M>
  [[nodiscard]] bool joins_lines() const {
    return out == 1 && in < M::kDepth;
  }
  /// Units of a group's inputs.
  template <class M>
  [[nodiscard]] int64_t units() const {
    return joins_lines<M>() ? 1 : in / M::kDepth;
  }
  /// Whether whole groups fill a vector of outputs, and their inputs one of inputs.
  template <class M>
  [[nodiscard]] bool fit() const {
    return groups > 1 && M::Sums::kLanes % out == 0 && (joins_lines<M>() || in % M::kDepth == 0) && units<M>() <= out;
  }
  template <class M>
  [[nodiscard]] int64_t groups_of_block() const {
    return M::Sums::kLanes / out;
  }
  template <class M>
  [[nodiscard]] int64_t blocks() const {
    return chunk_count(groups, groups_of_block<M>());
  }
  /// Units of a block's inputs.
  template <class M>
  [[nodiscard]] int64_t block_units() const {
    return groups_of_block<M>() * units<M>();
  }
  /// For each unit of a group's inputs: the lanes of a block's input vector from which its output lanes take it.
  template <class M>
  [[nodiscard]] auto spread() const {
    using Lane = simd::IntOf<typename M::Unit>;
    constexpr int64_t kLanes = M::Sums::kLanes;
    std::vector<Lane> from;
    for (int64_t i = 0; i < units<M>() * kLanes; ++i) {
      from.push_back(Lane(i % kLanes / out * units<M>() + i / kLanes));
    }
    return from;
  }
};

/// The lanes of `v` that `from` names.
template <class U>
simd::Vec<U> permute(simd::Vec<U> v, simd::Vec<simd::IntOf<U>> from) {
#ifdef __clang__  // which reads this for the linter and has no such function
  simd::Vec<U> result;
  for (int lane = 0; lane < simd::Vec<U>::kLanes; ++lane) {
    result.native[lane] = v[from[lane]];
  }
  return result;
#else
  return simd::Vec<U>(__builtin_shuffle(v.native, from.native));
#endif
}

/// Asks for pixels, `step` elements apart, on their way to the second-level cache.
template <class T>
void prefetch_pixels(const T* pixel, int64_t count, int64_t step, int64_t channels) {
  constexpr int64_t kCacheLine = 64 / int64_t(sizeof(T));
  for (const T* const end = pixel + count * step; pixel != end; pixel += step) {
    for (int64_t c = 0; c < channels; c += kCacheLine) {
      __builtin_prefetch(pixel + c, 0, 2);
      asm volatile("");  // else the compiler drops the call of a function that does nothing but this
    }
  }
}

/// The distance of packed pixels of `units`: many of them, read at one place each, must not compete for the same few
/// places of the first-level cache.
template <class Unit>
int64_t spaced(int64_t units) {
  constexpr int64_t kCompetingBytes = 512;
  const bool compete = units * int64_t(sizeof(Unit)) % kCompetingBytes == 0;
  return compete ? units + simd::Vec<Unit>::kLanes : units;
}

/// The lines of a picture that one line of outputs reads. As the outputs go down, so does the window: each line is
/// packed once, into slot number % lines.
template <class Unit>
struct LineWindow {
  Unit* data;
  int64_t lines, line_units;
  int64_t end = 0;  // the line after the last one packed

  [[nodiscard]] int64_t offset(int64_t number) const { return number % lines * line_units; }

  /// Calls pack(number, to) for those of the lines [first, first + lines) that are not there yet.
  template <class Fn>
  void move_to(int64_t first, Fn&& pack) {
    for (end = std::max(end, first); end < first + lines; ++end) {
      pack(end, data + offset(end));
    }
  }
};

}  // namespace lv::kernels::cpu::LV_ISA
