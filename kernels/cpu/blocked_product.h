#pragma once

#include "core/parallel.h"
#include "kernels/cpu/scratch.h"
#include "kernels/scalar.h"
#include "kernels/simd/vec.h"

// The blocked matrix product behind matrix products and convolutions of every dtype and layout: operands describe
// themselves by packing panels, so a convolution gathers its pixels while it packs.

namespace lv::kernels::cpu::LV_ISA {

/// Sizes of the blocking for sums in W (float or double).
template <class W>
struct ProductBlocks {
  using V = simd::Vec<W>;
  // Accumulators, two vectors of b and one broadcast of a fill the registers.
  static constexpr int kRows = simd::kVectorBytes == 64 ? 12 : 6;
  static constexpr int kColumns = 2 * V::kLanes;
  static constexpr int64_t kRowBlock = 120;  // of a, in L2
  static constexpr int64_t kColumnBlock = 256;
  static constexpr int64_t kDepthBlock = 256;  // a panel of b stays in L1
};

struct PackedATag;
struct PackedBTag;
struct ProductSumTag;

/// c (+)= a b for a packed panel of kRows rows and one of kColumns columns; c: [kRows, stride].
template <class W>
void multiply_panels(const W* a, const W* b, int64_t depth, bool accumulates, W* c, int64_t stride) {
  using Blocks = ProductBlocks<W>;
  using V = simd::Vec<W>;
  constexpr int kRows = Blocks::kRows;
  V sum[kRows][2];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    sum[i][0] = sum[i][1] = W(0);
  }
  for (int64_t k = 0; k < depth; ++k) {
    const V b0 = simd::load(b);
    const V b1 = simd::load(b + V::kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const V broadcast = a[i];
      sum[i][0] = fma(broadcast, b0, sum[i][0]);
      sum[i][1] = fma(broadcast, b1, sum[i][1]);
    }
    a += kRows;
    b += Blocks::kColumns;
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    W* row = c + i * stride;
    if (accumulates) {
      sum[i][0] += simd::load(row);
      sum[i][1] += simd::load(row + V::kLanes);
    }
    simd::store(row, sum[i][0]);
    simd::store(row + V::kLanes, sum[i][1]);
  }
}

/// Packs `count` rows (or columns) of an operand into panels of kWidth of them.
template <int kWidth, class W, class Operand>
void pack_panels(const Operand& operand, int64_t first, int64_t count, int64_t depth_first, int64_t depth, W* packed) {
  for (int64_t i = 0; i < count; i += kWidth) {
    operand.template pack<kWidth>(packed + i * depth, first + i, std::min<int64_t>(kWidth, count - i), depth_first,
                                  depth);
  }
}

/// One block of the product: rows [i0, i0 + rows), columns [j0, j0 + columns), over the whole depth, in order.
template <class W, class A, class B, class Store>
void multiply_block(int64_t i0, int64_t rows, int64_t j0, int64_t columns, int64_t depth, const A& a, const B& b,
                    const Store& store) {
  using Blocks = ProductBlocks<W>;
  constexpr int64_t kStride = Blocks::kColumnBlock;
  W* packed_a = thread_scratch<PackedATag, W>(Blocks::kRowBlock * Blocks::kDepthBlock);
  W* packed_b = thread_scratch<PackedBTag, W>(Blocks::kColumnBlock * Blocks::kDepthBlock);
  W* sums = thread_scratch<ProductSumTag, W>(Blocks::kRowBlock * kStride);
  int64_t k = 0;
  do {
    const int64_t step = std::min(Blocks::kDepthBlock, depth - k);
    pack_panels<Blocks::kRows>(a, i0, rows, k, step, packed_a);
    pack_panels<Blocks::kColumns>(b, j0, columns, k, step, packed_b);
    for (int64_t j = 0; j < columns; j += Blocks::kColumns) {
      for (int64_t i = 0; i < rows; i += Blocks::kRows) {
        multiply_panels<W>(packed_a + i * step, packed_b + j * step, step, k > 0, sums + i * kStride + j, kStride);
      }
    }
    k += step;
  } while (k < depth);
  for (int64_t i = 0; i < rows; ++i) {
    store(i0 + i, j0, sums + i * kStride, columns);
  }
}

/// A product of a batch: operands(index, fn) calls fn(a, b, store) with those of one product. An operand has
///   pack<kWidth>(W* to, first, count, depth_first, depth): to[k * kWidth + i] = element (first + i, depth_first + k),
///                                                          zero for i >= count
/// and store(i, j, const W* sums, count) takes a run of finished sums of row i. Blocks are spread over the threads.
template <class W, class Operands>
void blocked_product(int64_t batch, int64_t m, int64_t n, int64_t depth, const Operands& operands) {
  using Blocks = ProductBlocks<W>;
  const int64_t row_blocks = chunk_count(m, Blocks::kRowBlock);
  const int64_t column_blocks = chunk_count(n, Blocks::kColumnBlock);
  const int64_t cost = std::min(m, Blocks::kRowBlock) * std::min(n, Blocks::kColumnBlock) * std::max<int64_t>(depth, 1);
  const int64_t grain = std::max<int64_t>(1, 262144 / std::max<int64_t>(cost, 1));
  parallel_for(batch * row_blocks * column_blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t i = block / column_blocks % row_blocks * Blocks::kRowBlock;
      const int64_t j = block % column_blocks * Blocks::kColumnBlock;
      operands(block / (row_blocks * column_blocks), [&](const auto& a, const auto& b, const auto& store) {
        multiply_block<W>(i, std::min(Blocks::kRowBlock, m - i), j, std::min(Blocks::kColumnBlock, n - j), depth, a, b,
                          store);
      });
    }
  });
}

/// A matrix in memory: element (i, k) at data[i * stride + offset of k], where k = tap * channels + c lies at
/// tap * tap_stride + c * step. A plain matrix has one tap.
template <class T>
struct MatrixOperand {
  const T* data;
  int64_t stride;
  int64_t step;
  int64_t channels = INT64_MAX;
  int64_t tap_stride = 0;

  template <int kWidth, class W>
  void pack(W* to, int64_t first, int64_t count, int64_t depth_first, int64_t depth) const {
    for (int64_t k = 0; k < depth; ++k) {
      const int64_t at = depth_first + k;
      const T* from = data + first * stride + at / channels * tap_stride + at % channels * step;
      W* row = to + k * kWidth;
      for (int64_t i = 0; i < count; ++i) {
        row[i] = widen(from[i * stride]);
      }
      for (int64_t i = count; i < kWidth; ++i) {
        row[i] = 0;
      }
    }
  }
};

/// Stores runs of sums into rows of a matrix, with a bias for each column.
template <class T>
struct MatrixStore {
  T* data;
  int64_t stride;
  const T* bias = nullptr;

  template <class W>
  void operator()(int64_t i, int64_t j, const W* sums, int64_t count) const {
    T* row = data + i * stride + j;
    for (int64_t c = 0; c < count; ++c) {
      row[c] = convert<T>(bias == nullptr ? sums[c] : sums[c] + widen(bias[j + c]));
    }
  }
};

}  // namespace lv::kernels::cpu::LV_ISA
