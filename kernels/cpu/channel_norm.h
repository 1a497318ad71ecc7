#pragma once

#include <type_traits>

#include "core/parallel.h"
#include "kernels/channel_norm.h"
#include "kernels/cpu/isa.h"
#include "kernels/simd/stream.h"

// The walk that the kernels of kernels/channel_norm.h share on the CPU.

namespace lv::kernels::cpu::LV_ISA {

/// A chunk of rows of one group.
struct ChannelChunk {
  int64_t index;  // in the partial results: group * chunks + chunk
  int64_t group;
  int64_t row;  // the first, counted over all groups
  int64_t rows;
};

/// The split of [groups * rows, C] into chunks; Note [Chunks of rows].
struct ChannelSplit {
  int64_t groups = 0;
  int64_t rows_per_group = 0;
  int64_t channels = 0;
  int64_t chunk_rows = 0;
  int64_t chunks = 0;  // in a group

  ChannelSplit(const ConstTensorRef& activation, int64_t group_count)
      : groups(group_count),
        rows_per_group(activation.size(0) / std::max<int64_t>(group_count, 1)),
        channels(activation.size(1)),
        chunk_rows(channel_chunk_rows(channels)),
        chunks(channel_chunks(rows_per_group, channels)) {}

  [[nodiscard]] ChannelChunk chunk(int64_t index) const {
    const int64_t group = index / chunks;
    const int64_t first = index % chunks * chunk_rows;
    return {index, group, group * rows_per_group + first, std::min(chunk_rows, rows_per_group - first)};
  }

  /// Calls fn(chunk) for all chunks in parallel, several small ones to a task.
  template <class Fn>
  void for_each_chunk(Fn&& fn) const {
    const int64_t chunk_elements = std::max<int64_t>(1, std::min(chunk_rows, rows_per_group) * channels);
    parallel_for(groups * chunks, std::max<int64_t>(1, 32768 / chunk_elements), [&](int64_t begin, int64_t end) {
      for (int64_t index = begin; index < end; ++index) {
        fn(chunk(index));
      }
    });
  }
};

/// sums[g, i] = partials[g, 0, i] + partials[g, 1, i] + ... over the chunks of a group. partials: [groups, chunks,
/// width].
template <class A>
void combine_chunk_sums(const ChannelSplit& split, int64_t width, const A* partials, A* sums) {
  const int64_t grain = std::max<int64_t>(64, 16384 / std::max<int64_t>(split.chunks, 1));
  for (int64_t group = 0; group < split.groups; ++group) {
    const A* parts = partials + group * split.chunks * width;
    A* total = sums + group * width;
    parallel_for(width, grain, [&](int64_t begin, int64_t end) {
      std::fill(total + begin, total + end, A(0));
      for (int64_t k = 0; k < split.chunks; ++k) {
        for (int64_t i = begin; i < end; ++i) {
          total[i] += parts[k * width + i];
        }
      }
    });
  }
}

/// Calls body(count, row) for blocks of kRows rows and then for single rows; `count` is an integral constant. A block
/// shares the loads of the channels' coefficients and sums.
template <int kRows, class Body>
void for_each_row_block(int64_t rows, Body&& body) {
  int64_t row = 0;
  for (; row + kRows <= rows; row += kRows) {
    body(std::integral_constant<int, kRows>{}, row);
  }
  for (; row < rows; ++row) {
    body(std::integral_constant<int, 1>{}, row);
  }
}

/// A row-major matrix of activations; the row step may be 0 (a broadcast row).
template <class T>
struct Rows {
  T* data;
  int64_t step;

  template <class Ref>
  explicit Rows(const Ref& ref)
      : data(ref.template as<std::remove_const_t<T>>()), step(ref.defined() ? ref.strides[0] : 0) {}
  T* operator[](int64_t row) const { return data + row * step; }
};

/// How to store `rows`, a part of a result of `result_rows` rows (0: all of it).
template <class T>
simd::StorePath store_path(const Rows<T>& rows, const ConstTensorRef& matrix, int64_t result_rows = 0) {
  return simd::StorePath::for_rows(rows.data, rows.step, std::max(result_rows, matrix.size(0)) * matrix.size(1));
}

}  // namespace lv::kernels::cpu::LV_ISA
