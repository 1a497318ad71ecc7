#pragma once

#include "kernels/cpu/axial_tile.h"

// Backward of axial attention for one block of pairs: squares of queries by keys whose weights P, then dS in their
// place, stay in the first-level cache. Each sum over a square lies in registers; a store costs as much as several
// multiply-adds.

namespace lv::kernels::cpu::LV_ISA {

/// Queries and keys of a square, at most.
inline constexpr int64_t kSquare = 32;
/// A row of a square in memory: with a column of zeros on either side, where diagonals that are taken in pairs may end.
inline constexpr int64_t kSquareRow = kSquare + 2;

/// Gradients that a block adds to; arrays as in TileSource.
template <class S>
struct TileGradients {
  S *q, *v;                   // of q (times log2 e) and v
  S *content_k, *position_k;  // of k through x1 and x3, without s1 and s3
  S* tables;                  // [2 length][2 dim]: by offset i - j, sums of dS q_i and of dS k_j
  S* value_table;             // [2 length][value_dim]: sums of P g2_i
};

template <class S>
class AxialGradient {
 public:
  /// content_grad, position_grad: of the outputs, arrays as in TileSource; delta: [length], sums of g times output;
  /// square: memory of kSquareRow * (kSquare + 2) vectors.
  AxialGradient(const TileSource<S>& source, const S* k, const S* content_grad, const S* position_grad, const S* delta,
                const S* lse, const TileGradients<S>& to, S* square)
      : source_(source),
        k_(k),
        content_grad_(content_grad),
        position_grad_(position_grad),
        delta_(delta),
        lse_(lse),
        to_(to),
        square_(square + (kSquareRow + 1) * kLanes<S>) {}

  void run() {
    const int64_t length = source_.length;
    const int64_t height = part_of(length);
    for (i_ = 0; i_ < length; i_ += height) {
      rows_ = std::min(height, length - i_);
      const int64_t end = source_.end_key(i_, rows_);
      const int64_t width = part_of(end - source_.first_key(i_));
      for (j_ = source_.first_key(i_); j_ < end; j_ += width) {
        columns_ = std::min(width, end - j_);
        run_square();
      }
    }
  }

 private:
  using V = simd::Vec<S>;

  /// The size of equal parts of n, in whole tiles, that fit a square.
  static int64_t part_of(int64_t n) { return chunk_count(chunk_count(n, chunk_count(n, kSquare)), 4) * 4; }

  /// Weight or dS of query i_ + row and key j_ + column.
  [[nodiscard]] S* at(int64_t row, int64_t column) const { return square_ + (row * kSquareRow + column) * kLanes<S>; }

  void run_square() {
    clear_border();
    in_fours(rows_,
             [&]<int I>(int64_t row) { in_fours(columns_, [&]<int J>(int64_t column) { weigh<I, J>(row, column); }); });
    in_fours(columns_, [&]<int J>(int64_t column) { add_value_gradients<J>(column); });
    add_value_table_gradients();
    in_fours(rows_, [&]<int I>(int64_t row) {
      in_fours(columns_, [&]<int J>(int64_t column) { make_slopes<I, J>(row, column); });
    });
    in_fours(rows_, [&]<int I>(int64_t row) { add_query_gradients<I>(row); });
    in_fours(columns_, [&]<int J>(int64_t column) { add_key_gradients<J>(column); });
    add_table_gradients();
  }

  void clear_border() const {
    const V zero(S(0));
    for (int64_t row = -1; row <= rows_; ++row) {
      simd::store(at(row, -1), zero);
      simd::store(at(row, columns_), zero);
    }
    for (int64_t column = -1; column <= columns_; ++column) {
      simd::store(at(-1, column), zero);
      simd::store(at(rows_, column), zero);
    }
  }

  template <int I, int J>
  [[gnu::noinline]] void weigh(int64_t row, int64_t column) const {
    V shift[I];
    load_rows(lse_ + (i_ + row) * kLanes<S>, shift);
    V x[I][J];
    make_weights(source_, i_ + row, j_ + column, shift, x);
#pragma GCC unroll 4
    for (int i = 0; i < I; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < J; ++j) {
        simd::store(at(row + i, column + j), x[i][j]);
      }
    }
  }

  /// dS = P (g1 . v + g2 . R_v - delta), in place of P.
  template <int I, int J>
  [[gnu::noinline]] void make_slopes(int64_t row, int64_t column) const {
    const int64_t i = i_ + row;
    const int64_t j = j_ + column;
    V x[I][J];
#pragma GCC unroll 4
    for (int r = 0; r < I; ++r) {
#pragma GCC unroll 4
      for (int s = 0; s < J; ++s) {
        x[r][s] = V(S(0));
      }
    }
    const S* grad = content_grad_ + i * kLanes<S>;
    const S* v = source_.v + j * kLanes<S>;
    for (int64_t c = 0; c < source_.value_dim; ++c, grad += source_.step, v += source_.step) {
      V rows[I];
      load_rows(grad, rows);
#pragma GCC unroll 4
      for (int s = 0; s < J; ++s) {
        const V value = pinned(simd::load(v + s * kLanes<S>));
#pragma GCC unroll 4
        for (int r = 0; r < I; ++r) {
          x[r][s] = fma(rows[r], value, x[r][s]);
        }
      }
    }
    add_row_diagonals(position_grad_ + i * kLanes<S>, source_.step, source_.table.value + (i - j), source_.table.step,
                      source_.value_dim, x);
    V delta[I];
    load_rows(delta_ + i * kLanes<S>, delta);
#pragma GCC unroll 4
    for (int r = 0; r < I; ++r) {
#pragma GCC unroll 4
      for (int s = 0; s < J; ++s) {
        S* p = at(row + r, column + s);
        simd::store(p, source_.sees_one() ? V(S(0)) : (x[r][s] - delta[r]) * simd::load(p));
      }
    }
  }

  template <int J>
  [[gnu::noinline]] void add_value_gradients(int64_t column) const {
    in_runs<4>(source_.value_dim, [&]<int C>(int64_t c) {
      S* to = to_.v + c * source_.step + (j_ + column) * kLanes<S>;
      V sums[J][C];
      load_tile(to, kLanes<S>, source_.step, sums);
      const S* p = at(0, column);
      const S* grad = content_grad_ + c * source_.step + i_ * kLanes<S>;
      for (int64_t row = 0; row < rows_; ++row, p += kSquareRow * kLanes<S>, grad += kLanes<S>) {
        V weights[J];
        load_rows(p, weights);
#pragma GCC unroll 4
        for (int x = 0; x < C; ++x) {
          const V g = pinned(simd::load(grad + x * source_.step));
#pragma GCC unroll 4
          for (int j = 0; j < J; ++j) {
            sums[j][x] = fma(weights[j], g, sums[j][x]);
          }
        }
      }
      store_tile(to, kLanes<S>, source_.step, sums);
    });
  }

  /// dq += sum over j of dS (k + R_q): as for the logits, an addition in place of a multiply-add.
  template <int I>
  [[gnu::noinline]] void add_query_gradients(int64_t row) const {
    in_runs<4>(source_.dim, [&]<int C>(int64_t c) {
      S* to = to_.q + c * source_.step + (i_ + row) * kLanes<S>;
      V sums[I][C];
      load_tile(to, kLanes<S>, source_.step, sums);
      const int64_t table_step = source_.table.step * kLanes<S>;
      const S* k = source_.content_k + c * source_.step + j_ * kLanes<S>;
      const S* table = source_.table.query + c * table_step + (i_ + row - j_) * kLanes<S>;
      const auto step = [&]<int J>(int64_t column) {
        V slopes[I][J];
#pragma GCC unroll 4
        for (int i = 0; i < I; ++i) {
          load_rows(at(row + i, column), slopes[i]);
        }
#pragma GCC unroll 4
        for (int x = 0; x < C; ++x) {
          V keys[J];
          load_rows(k + x * source_.step + column * kLanes<S>, keys);
#pragma GCC unroll 8
          for (int t = 1 - J; t < I; ++t) {
            const V r = pinned(simd::load(table + x * table_step + (t - column) * kLanes<S>));
#pragma GCC unroll 2
            for (int j = 0; j < J; ++j) {
              if (t + j >= 0 && t + j < I) {
                sums[t + j][x] = fma(slopes[t + j][j], keys[j] + r, sums[t + j][x]);
              }
            }
          }
        }
      };
      in_runs<2>(columns_, step);
      store_tile(to, kLanes<S>, source_.step, sums);
    });
  }

  template <int J>
  [[gnu::noinline]] void add_key_gradients(int64_t column) const {
    in_runs<2>(source_.dim, [&]<int C>(int64_t c) {
      const int64_t place = c * source_.step + (j_ + column) * kLanes<S>;
      V content[J][C];
      V position[J][C];
      load_tile(to_.content_k + place, kLanes<S>, source_.step, content);
      load_tile(to_.position_k + place, kLanes<S>, source_.step, position);
      const S* slopes = at(0, column);
      const S* q = source_.q + c * source_.step + i_ * kLanes<S>;
      const S* table = source_.table.key + c * source_.table.step + (j_ + column - i_);
      for (int64_t row = 0; row < rows_; ++row, slopes += kSquareRow * kLanes<S>, q += kLanes<S>, --table) {
        V u[J];
        load_rows(slopes, u);
#pragma GCC unroll 2
        for (int x = 0; x < C; ++x) {
          const V query = pinned(simd::load(q + x * source_.step));
#pragma GCC unroll 4
          for (int j = 0; j < J; ++j) {
            content[j][x] = fma(u[j], query, content[j][x]);
            position[j][x] = fma(u[j], V(table[x * source_.table.step + j]), position[j][x]);
          }
        }
      }
      store_tile(to_.content_k + place, kLanes<S>, source_.step, content);
      store_tile(to_.position_k + place, kLanes<S>, source_.step, position);
    });
  }

  void add_value_table_gradients() const {
    const int64_t width = source_.value_dim;
    for (int64_t t = 1 - columns_; t < rows_; t += 2) {
      S* to = to_.value_table + (i_ - j_ + t + source_.length - 1) * width * kLanes<S>;
      in_runs<8>(width, [&]<int C>(int64_t c) {
        add_diagonals<C, true>(t, position_grad_ + c * source_.step + i_ * kLanes<S>, to + c * kLanes<S>, width);
      });
    }
  }

  void add_table_gradients() const {
    const int64_t width = source_.dim;
    for (int64_t t = 1 - columns_; t < rows_; t += 2) {
      S* to = to_.tables + (i_ - j_ + t + source_.length - 1) * 2 * width * kLanes<S>;
      in_runs<4>(width, [&]<int C>(int64_t c) {
        S* channels = to + c * kLanes<S>;
        add_diagonals<C, true>(t, source_.q + c * source_.step + i_ * kLanes<S>, channels, 2 * width);
        add_diagonals<C, false>(t, k_ + c * source_.step + j_ * kLanes<S>, channels + width * kLanes<S>, 2 * width);
      });
    }
  }

  /// to[0] and to[1] += sums along the diagonals t and t + 1 of the square, row less column, of x by row (kByRow) or by
  /// column; C channels, rows of `to` of so many channels.
  template <int C, bool kByRow>
  [[gnu::always_inline]] inline void add_diagonals(int64_t t, const S* x, S* to, int64_t to_row) const {
    V sums[2][C];
    load_tile(to, to_row * kLanes<S>, kLanes<S>, sums);
    const int64_t begin = kByRow ? std::max<int64_t>(0, t) : std::max<int64_t>(0, -t - 1);
    const int64_t end = kByRow ? std::min(rows_, columns_ + t + 1) : std::min(columns_, rows_ - t);
    for (int64_t i = begin; i < end; ++i) {
      const V first = pinned(simd::load(kByRow ? at(i, i - t) : at(i + t, i)));
      const V second = pinned(simd::load(kByRow ? at(i, i - t - 1) : at(i + t + 1, i)));
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) {
        const V value = pinned(simd::load(x + c * source_.step + i * kLanes<S>));
        sums[0][c] = fma(first, value, sums[0][c]);
        sums[1][c] = fma(second, value, sums[1][c]);
      }
    }
    store_tile(to, to_row * kLanes<S>, kLanes<S>, sums);
  }

  template <int R, int C>
  [[gnu::always_inline]] static inline void load_tile(const S* from, int64_t row_step, int64_t column_step,
                                                      V (&tile)[R][C]) {
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) {
        tile[r][c] = simd::load(from + r * row_step + c * column_step);
      }
    }
  }
  template <int R, int C>
  [[gnu::always_inline]] static inline void store_tile(S* to, int64_t row_step, int64_t column_step,
                                                       const V (&tile)[R][C]) {
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) {
        simd::store(to + r * row_step + c * column_step, tile[r][c]);
      }
    }
  }

  const TileSource<S>& source_;
  const S* k_;
  const S *content_grad_, *position_grad_, *delta_, *lse_;
  TileGradients<S> to_;
  S* square_;      // of row 0, column 0
  int64_t i_ = 0;  // the square's first query
  int64_t j_ = 0;  // its first key
  int64_t rows_ = 0;
  int64_t columns_ = 0;
};

}  // namespace lv::kernels::cpu::LV_ISA
