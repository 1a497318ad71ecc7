#pragma once

#include <limits>

#include "kernels/attention.h"
#include "kernels/scalar.h"
#include "kernels/simd/loop.h"
#include "kernels/simd/math.h"

// What attention's forward and backward share: one (batch, head) as a task, its keys and values packed with padded
// rows, and tiles of kAttentionRows query rows. Rows of a tile beyond the last query are zeros.

namespace lv::kernels::cpu::LV_ISA {

inline constexpr int kRows = int(kAttentionRows);

/// c[r][j] = sum over i of a[r][i] * b[i][j] for the rows of a tile, j up to a multiple of the padding.
template <class S>
void tile_product(const S* a, int64_t a_step, const S* b, int64_t depth, int64_t b_step, S* c, int64_t c_step,
                  int64_t columns) {
  using V = simd::Vec<S>;
  for (int64_t j = 0; j < columns; j += 2 * V::kLanes) {
    V sums[kRows][2];
    for (auto& row : sums) {
      row[0] = row[1] = V(S(0));
    }
    for (int64_t i = 0; i < depth; ++i) {
      const V left = simd::load(b + i * b_step + j);
      const V right = simd::load(b + i * b_step + j + V::kLanes);
      for (int r = 0; r < kRows; ++r) {
        const V factor(a[r * a_step + i]);
        sums[r][0] = fma(factor, left, sums[r][0]);
        sums[r][1] = fma(factor, right, sums[r][1]);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      simd::store(c + r * c_step + j, sums[r][0]);
      simd::store(c + r * c_step + j + V::kLanes, sums[r][1]);
    }
  }
}

/// One head of one sample of [B, L, H, D].
template <class T>
struct Head {
  T* first;
  int64_t row_step;

  T* row(int64_t i) const { return first + i * row_step; }
};

template <class T>
Head<T> head_of(T* array, const AttentionShape& shape, int64_t length, int64_t task) {
  const int64_t sample = task / shape.heads;
  const int64_t head = task % shape.heads;
  return {array + (sample * length * shape.heads + head) * shape.dim, shape.heads * shape.dim};
}

/// rows x dim elements as [rows][step], zeros beyond dim.
template <class T, class S>
void pack_rows(const Head<const T>& from, int64_t rows, int64_t dim, S* to, int64_t step) {
  for (int64_t i = 0; i < rows; ++i) {
    const T* source = from.row(i);
    for (int64_t d = 0; d < dim; ++d) {
      to[i * step + d] = widen(source[d]);
    }
    std::fill(to + i * step + dim, to + (i + 1) * step, S(0));
  }
}

/// The same transposed: [dim][step], zeros beyond rows.
template <class T, class S>
void pack_columns(const Head<const T>& from, int64_t rows, int64_t dim, S* to, int64_t step) {
  for (int64_t d = 0; d < dim; ++d) {
    std::fill(to + d * step + rows, to + (d + 1) * step, S(0));
  }
  for (int64_t i = 0; i < rows; ++i) {
    const T* source = from.row(i);
    for (int64_t d = 0; d < dim; ++d) {
      to[d * step + i] = widen(source[d]);
    }
  }
}

/// Query rows first .. first + kRows of a head; zeros where there are fewer.
template <class T, class S>
void pack_tile(const Head<const T>& from, int64_t first, int64_t rows, int64_t dim, S* to, int64_t step) {
  const int64_t count = std::min<int64_t>(kRows, rows - first);
  pack_rows<T, S>({from.row(first), from.row_step}, count, dim, to, step);
  std::fill(to + count * step, to + kRows * step, S(0));
}

/// Turns products q.k of one query row into logits.
template <class T, class S>
void finish_logits(S* row, const AttentionShape& shape, const AttentionTerms& terms, int64_t task, int64_t query) {
  constexpr S kHidden = -std::numeric_limits<S>::infinity();
  const auto scale = S(shape.scale);
  for (int64_t j = 0; j < shape.keys; ++j) {
    row[j] *= scale;
  }
  const auto at = [&](const ConstTensorRef& term) {
    return task / shape.heads * term.strides[0] + task % shape.heads * term.strides[1] + query * term.strides[2];
  };
  if (terms.bias.defined()) {
    const T* bias = terms.bias.as<T>() + at(terms.bias);
    for (int64_t j = 0; j < shape.keys; ++j) {
      row[j] += widen(bias[j * terms.bias.strides[3]]);
    }
  }
  if (terms.mask.defined()) {
    const bool* mask = terms.mask.as<bool>() + at(terms.mask);
    for (int64_t j = 0; j < shape.keys; ++j) {
      row[j] = mask[j * terms.mask.strides[3]] ? row[j] : kHidden;
    }
  }
  if (shape.is_causal) {
    std::fill(row + std::min(shape.keys, query + 1), row + shape.keys, kHidden);
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
