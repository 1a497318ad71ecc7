#pragma once

#include <cmath>

#include "kernels/cpu/axial_tables.h"
#include "kernels/simd/math.h"

// Tiles of queries and keys of axial attention, in registers: what forward and backward share.

namespace lv::kernels::cpu::LV_ISA {

/// `x` in a register: the compiler would otherwise read memory anew in every multiply-add that uses it, and loads are
/// what these loops are short of.
template <class V>
[[gnu::always_inline]] inline V pinned(V x) {
#if defined(LV_SIMD_AVX512)
  asm("" : "+v"(x.native));
#else
  asm("" : "+x"(x.native));
#endif
  return x;
}

/// N vectors that follow one another.
template <int N, class S>
[[gnu::always_inline]] inline void load_rows(const S* p, simd::Vec<S> (&rows)[N]) {
#pragma GCC unroll 8
  for (int i = 0; i < N; ++i) {
    rows[i] = pinned(simd::load(p + i * kLanes<S>));
  }
}

/// 2^x for x clamped to +-126; exact at 0; relative error below 8e-8.
inline simd::Vec<float> fast_exp2(simd::Vec<float> x) {
  const simd::Vec<float> to_integer = 0x1.8p23F;  // leaves no room for fraction bits
  x = fast_max(-126.0F, fast_min(126.0F, x));
  const simd::Vec<float> shifted = x + to_integer;
  const simd::Vec<float> r = x - (shifted - to_integer);
  const simd::Vec<float> p = simd::detail::polynomial(r, 1.0F, 0.693147182F, 0.240226477F, 0.0555033237F,
                                                      0.00961843692F, 0.00133988739F, 0.00015353362F);
  return simd::bits_as<float>(simd::bits_as<int32_t>(p) + (simd::bits_as<int32_t>(shifted) << 23));
}
inline simd::Vec<double> fast_exp2(simd::Vec<double> x) {
  return simd::detail::lane_by_lane([](double v) { return std::exp2(v); }, x);
}

/// A block of pairs as the tiles see it; arrays are [channel][position][kLanes], channels `step` apart.
template <class S>
struct TileSource {
  const S *q, *k, *v;
  const S* content_k;   // s1 k, binary logarithms
  const S* position_k;  // s3 k, likewise
  AxialTable<S> table;
  simd::Vec<S> center;  // about the mean of the logits, from which weights are counted; binary
  int64_t length, dim, value_dim, reach, step;

  /// Whether some query of a tile at (i, j) does not see some key.
  [[nodiscard]] bool has_hidden(int64_t i, int64_t rows, int64_t j, int64_t columns) const {
    return i + rows - 1 - j > reach || j + columns - 1 - i > reach;
  }
  /// Whether each query sees its own key alone. Its weight is exactly 1 then, and the slope of its logit 0.
  [[nodiscard]] bool sees_one() const { return reach == 0 || length == 1; }
  [[nodiscard]] bool sees(int64_t i, int64_t j) const { return i - j <= reach && j - i <= reach; }
  /// The keys that some of `rows` queries from i on see: [first_key, end_key).
  [[nodiscard]] int64_t first_key(int64_t i) const { return std::max<int64_t>(0, i - reach); }
  [[nodiscard]] int64_t end_key(int64_t i, int64_t rows) const { return std::min(length, i + rows + reach); }
};

/// Writes s1 (k - its mean over the line), s3 k and that mean [dim] of a block. The mean adds the same to all logits of
/// a query, so it may go: what is left keeps its digits where k has a large offset.
template <class S>
void scale_keys(const PairBlocks<S>& blocks, int64_t block, const TermFactors& factors, const AxialShape& shape,
                const S* k, S* content_k, S* position_k, S* mean) {
  const auto content = blocks.spread(block, factors.scale[0]) * S(kLog2E);
  const auto position = blocks.spread(block, factors.scale[2]) * S(kLog2E);
  for (int64_t c = 0; c < shape.dim; ++c) {
    const int64_t first = c * channel_step<S>(shape);
    const int64_t end = first + shape.length * kLanes<S>;
    simd::Vec<S> sum(S(0));
    for (int64_t i = first; i < end; i += kLanes<S>) {
      sum += simd::load(k + i);
    }
    sum /= simd::Vec<S>(S(shape.length));
    simd::store(mean + c * kLanes<S>, sum);
    for (int64_t i = first; i < end; i += kLanes<S>) {
      const auto x = simd::load(k + i);
      simd::store(content_k + i, content * (x - sum));
      simd::store(position_k + i, position * x);
    }
  }
}

/// x[i][j] += a_i . r[i - j] for I rows of a and the diagonals of a table of scalars, a_step and r_step between
/// channels.
template <int I, int J, class S>
[[gnu::always_inline]] inline void add_row_diagonals(const S* a, int64_t a_step, const S* r, int64_t r_step,
                                                     int64_t channels, simd::Vec<S> (&x)[I][J]) {
  for (int64_t c = 0; c < channels; ++c, a += a_step, r += r_step) {
    simd::Vec<S> rows[I];
    load_rows(a, rows);
#pragma GCC unroll 8
    for (int t = 1 - J; t < I; ++t) {
      const auto w = pinned(simd::Vec<S>(r[t]));
#pragma GCC unroll 4
      for (int j = 0; j < J; ++j) {
        if (t + j >= 0 && t + j < I) {
          x[t + j][j] = fma(rows[t + j], w, x[t + j][j]);
        }
      }
    }
  }
}

/// x[i][j] += the logits of I queries from i on and J keys from j on. The first two terms are one: q . k + q . R_q =
/// q . (k + R_q), for an addition costs nothing beside a multiply-add.
template <int I, int J, class S>
[[gnu::always_inline]] inline void add_logits(const TileSource<S>& source, int64_t i, int64_t j,
                                              simd::Vec<S> (&x)[I][J]) {
  using V = simd::Vec<S>;
  const S* q = source.q + i * kLanes<S>;
  const S* k = source.content_k + j * kLanes<S>;
  const S* position_k = source.position_k + j * kLanes<S>;
  const S* query_table = source.table.query + (i - j) * kLanes<S>;
  const S* key_table = source.table.key + (j - i);
  for (int64_t c = 0; c < source.dim; ++c) {
    V queries[I];
    V keys[J];
    load_rows(q, queries);
    load_rows(k, keys);
#pragma GCC unroll 8
    for (int t = 1 - J; t < I; ++t) {
      const V r = pinned(simd::load(query_table + t * kLanes<S>));
#pragma GCC unroll 4
      for (int column = 0; column < J; ++column) {
        if (t + column >= 0 && t + column < I) {
          x[t + column][column] = fma(queries[t + column], keys[column] + r, x[t + column][column]);
        }
      }
    }
    load_rows(position_k, keys);
#pragma GCC unroll 8
    for (int t = 1 - J; t < I; ++t) {
      const V r = pinned(V(key_table[-t]));
#pragma GCC unroll 4
      for (int column = 0; column < J; ++column) {
        if (t + column >= 0 && t + column < I) {
          x[t + column][column] = fma(keys[column], r, x[t + column][column]);
        }
      }
    }
    q += source.step;
    k += source.step;
    position_k += source.step;
    query_table += source.table.step * kLanes<S>;
    key_table += source.table.step;
  }
}

/// x[i][j] = `value` where query i does not see key j.
template <int I, int J, class S>
[[gnu::always_inline]] inline void hide(const TileSource<S>& source, int64_t i, int64_t j, S value,
                                        simd::Vec<S> (&x)[I][J]) {
#pragma GCC unroll 4
  for (int row = 0; row < I; ++row) {
#pragma GCC unroll 4
    for (int column = 0; column < J; ++column) {
      x[row][column] = source.sees(i + row, j + column) ? x[row][column] : simd::Vec<S>(value);
    }
  }
}

/// The mean of s2 x2 + s3 x3 in the lanes of a block; that of x1 is 0, see scale_keys.
template <class S>
simd::Vec<S> logit_center(const PairBlocks<S>& blocks, int64_t block, const TermFactors& factors) {
  const auto mean = [&](int term) {
    return blocks.spread(block, factors.scale[term]) * blocks.spread(block, factors.mean[term]);
  };
  return (mean(1) + mean(2)) * S(kLog2E);
}

/// x[i][j] = 2^(logit - center - shift_i), 0 where a query does not see a key. The large parts go first, so that
/// forward and backward round alike.
template <int I, int J, class S>
[[gnu::always_inline]] inline void make_weights(const TileSource<S>& source, int64_t i, int64_t j,
                                                const simd::Vec<S> (&shift)[I], simd::Vec<S> (&x)[I][J]) {
#pragma GCC unroll 4
  for (int row = 0; row < I; ++row) {
#pragma GCC unroll 4
    for (int column = 0; column < J; ++column) {
      x[row][column] = simd::Vec<S>(S(0));
    }
  }
  add_logits(source, i, j, x);
#pragma GCC unroll 4
  for (int row = 0; row < I; ++row) {
#pragma GCC unroll 4
    for (int column = 0; column < J; ++column) {
      x[row][column] = fast_exp2((x[row][column] - source.center) - shift[row]);
    }
  }
  if (source.has_hidden(i, I, j, J)) [[unlikely]] {
    hide(source, i, j, S(0), x);
  }
}

}  // namespace lv::kernels::cpu::LV_ISA
