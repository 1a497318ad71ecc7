#pragma once

#include <limits>

#include "kernels/attention.h"
#include "kernels/cpu/product_panels.h"
#include "kernels/cpu/scratch.h"
#include "kernels/simd/loop.h"
#include "kernels/simd/math.h"

// What attention's forward and backward share. Logits are made transposed: rows are keys, and the columns of a tile are
// queries, as many as a panel has. So a softmax runs down the columns, every query in a lane of its own; the weights
// are already the packed right operand of the next product; and only q, v and results are turned over.

namespace lv::kernels::cpu::LV_ISA {

/// Units between rows of a left operand: whole cache lines, and not a multiple of 1 KiB, of which a tile's rows would
/// compete for the same few sets of the first-level cache.
template <class M>
int64_t left_step(int64_t units) {
  constexpr int64_t kLine = 64 / int64_t(sizeof(typename M::Unit));
  const int64_t step = chunk_count(units, kLine) * kLine;
  return step % (16 * kLine) == 0 ? step + kLine : step;
}

/// Rows that a left operand has room for: tiles and transposition read beyond the last.
inline int64_t padded_rows(int64_t rows) { return rows + 2 * kMaxRun + simd::kVectorBytes / 4; }

template <class M>
int64_t padded_columns(int64_t columns) {
  return chunk_count(columns, kTileColumns<M>) * kTileColumns<M>;
}

/// One head of one sample.
struct HeadTask {
  const AttentionShape& shape;
  int64_t task;

  template <class T>
  T* row(const HeadRows<T>& rows, int64_t i) const {
    return rows.row(shape, task, i);
  }
};

/// c[row][column] = (kAdds: +=) sum over the panel's depth of a[row] b[column], for `rows` rows.
template <class M, bool kAdds = false>
void multiply_rows(const typename M::Unit* a, int64_t rows, const TilePanel<M>& panel, typename M::Sum* c) {
  using Sum = typename M::Sum;
  int64_t row = 0;
  const auto multiply = [&]<int kRun, int kVectors>() {
    const auto run_at = [&](int64_t first) {
      Sum* to = c + first * panel.c_step;
      return RowRun<M, Sum>{a + first * panel.a_step, to, int(std::clamp<int64_t>(rows - first, 0, kRun)),
                            kAdds ? to : nullptr};
    };
    multiply_tile<M, kRun, kVectors, Sum>(run_at(row), run_at(row + kRun), panel);
    return int64_t{2 * kRun};
  };
  const auto multiply_all = [&]<int kVectors>() {
    constexpr int kHalfRun = (kMaxRun + 1) / 2;
    while (row < rows) {
      if (rows - row > 2 * kHalfRun) {
        row += multiply.template operator()<kMaxRun, kVectors>();
      } else if (rows - row > 2) {
        row += multiply.template operator()<kHalfRun, kVectors>();
      } else {
        row += multiply.template operator()<1, kVectors>();
      }
    }
  };
  panel.columns > M::Sums::kLanes ? multiply_all.template operator()<2>() : multiply_all.template operator()<1>();
}

/// A panel of `units` by whole vectors that cover `columns`, for multiply_rows.
template <class M>
TilePanel<M> dense_panel(const typename M::Unit* b, int64_t units, int64_t columns, int64_t a_step, int64_t c_step) {
  static constexpr typename M::Sum kNoBias[kTileColumns<M>] = {};
  static constexpr int64_t kNoTap = 0;
  constexpr int kLanes = M::Sums::kLanes;
  return {.b = b,
          .bias = kNoBias,
          .taps = &kNoTap,
          .tap_count = 1,
          .depth = units,
          .a_step = a_step,
          .c_step = c_step,
          .columns = columns > kLanes ? 2 * kLanes : kLanes};
}

/// Rows [first, first + count) of a head as a left operand, channels as units: [count][step].
template <class M, class T>
void pack_rows(const HeadTask& head, const HeadRows<const T>& from, int64_t first, int64_t count, int64_t dim,
               typename M::Unit* to, int64_t step) {
  for (int64_t i = 0; i < count; ++i) {
    pack_units<M>(head.row(from, first + i), dim, to + i * step);
  }
}

/// to[column][row] = block[row][column] for what pack_block(row, block) writes, `rows` rows of `columns` units; rows
/// up to the next whole tile are zeros.
template <class Unit, class PackBlock>
void pack_turned(int64_t rows, int64_t columns, PackBlock&& pack_block, Unit* to, int64_t step) {
  constexpr int64_t kSide = kTile<Unit>;
  constexpr int64_t kBlockStep = kMaxAttentionDim;
  Unit block[kSide * kBlockStep];
  for (int64_t row = 0; row < rows; row += kSide) {
    for (int64_t i = 0; i < kSide; ++i) {
      if (row + i < rows) {
        pack_block(row + i, block + i * kBlockStep);
      } else {
        std::fill_n(block + i * kBlockStep, columns, Unit(0));
      }
    }
    for (int64_t column = 0; column < columns; column += kSide) {
      transpose_tile(block + column, kBlockStep, to + column * step + row, step);
    }
  }
}

/// Rows [first, first + count) of a head as the columns of a panel: [units of dim][kTileColumns], zeros beyond count
/// in the vectors that count reaches.
template <class M, class T>
void pack_column_panel(const HeadTask& head, const HeadRows<const T>& from, int64_t first, int64_t count, int64_t dim,
                       typename M::Unit* to) {
  pack_turned(
      count, units_of<M>(dim),
      [&](int64_t i, typename M::Unit* block) { pack_units<M>(head.row(from, first + i), dim, block); }, to,
      kTileColumns<M>);
}

/// All `count` rows of a head turned over, rows as units: [dim][step].
template <class M, class T>
void pack_channels(const HeadTask& head, const HeadRows<const T>& from, int64_t count, int64_t dim,
                   typename M::Unit* to, int64_t step) {
  pack_turned(
      units_of<M>(count), dim,
      [&](int64_t unit, typename M::Unit* block) {
        const int64_t i = unit * M::kDepth;
        pack_row<M>(head.row(from, i), i + 1 < count ? head.row(from, i + 1) : nullptr, dim, block);
      },
      to, step);
}

/// row(column)[d] = from[d][column] * factor(column), for `dim` elements of `count` rows of T.
template <class T, class M, class Factor, class Row>
void write_turned(const typename M::Sum* from, int64_t dim, int64_t count, Factor&& factor, Row&& row) {
  using Sum = typename M::Sum;
  constexpr int64_t kSide = kTile<Sum>;
  Sum turned[kSide * kSide];
  for (int64_t column = 0; column < count; column += kSide) {
    for (int64_t d = 0; d < dim; d += kSide) {
      transpose_tile(from + d * kTileColumns<M> + column, kTileColumns<M>, turned, kSide);
      for (int64_t i = 0; i < std::min(kSide, count - column); ++i) {
        const Sum scale = factor(column + i);
        simd::map(
            std::min(kSide, dim - d), row(column + i) + d, [scale](auto x) { return x * scale; }, turned + i * kSide);
      }
    }
  }
}

/// Units of weights: `first` and, in pairs, `second`, of two neighbouring keys.
template <class M>
typename M::Units join_weights(typename M::Sums first, typename M::Sums second) {
  if constexpr (M::kDepth == 1) {
    return first;
  } else {
    const auto rounded = [](simd::Vec<float> x) {  // to bfloat16, in the upper half; NaN stays NaN
      const auto bits = simd::bits_as<int32_t>(x);
      return bits + 0x7fff + ((bits >> 16) & 1);
    };
    return ((rounded(first) >> 16) & 0xffff) | (rounded(second) & int32_t(0xffff0000));
  }
}

/// Bias, mask and causal order of one head's logits.
template <class T, class S>
class LogitTerms {
 public:
  LogitTerms(const HeadTask& head, const AttentionTerms& terms)
      : bias_(head, terms.bias), mask_(head, terms.mask), is_causal_(head.shape.is_causal) {}

  [[nodiscard]] bool exist() const { return bias_.exists() || mask_.exists() || is_causal_; }

  /// Turns products [keys][kTileColumns] of `count` queries from `query` on into logits.
  template <class M>
  void finish(S* products, int64_t keys, int64_t query, int64_t count, S scale) const {
    using V = simd::Vec<S>;
    constexpr int64_t kSide = kTile<S>;
    constexpr int64_t kColumns = kTileColumns<M>;
    const int64_t columns = chunk_count(count, V::kLanes) * V::kLanes;
    S rows[kColumns * kSide] = {};
    S added[kSide * kColumns];
    for (int64_t key = 0; key < keys; key += kSide) {
      const int64_t key_count = std::min(kSide, keys - key);
      for (int64_t i = 0; i < count; ++i) {
        added_to(query + i, key, key_count, rows + i * kSide);
      }
      for (int64_t column = 0; column < columns; column += kSide) {
        transpose_tile(rows + column * kSide, kSide, added + column, kColumns);
      }
      for (int64_t j = 0; j < key_count; ++j) {
        for (int64_t column = 0; column < columns; column += V::kLanes) {
          S* at = products + (key + j) * kColumns + column;
          const V term = simd::load(added + j * kColumns + column);
          simd::store(at, select(term == kHidden, term, fma(simd::load(at), V(scale), term)));
        }
      }
    }
  }

 private:
  static constexpr S kHidden = -std::numeric_limits<S>::infinity();

  /// A term of one head; no data where it is absent.
  template <class E>
  struct Term {
    const E* data;
    int64_t query_step, key_step;

    Term(const HeadTask& head, const ConstTensorRef& term) : data(term.as<E>()), query_step(0), key_step(0) {
      if (data != nullptr) {
        data += head.task / head.shape.heads * term.strides[0] + head.task % head.shape.heads * term.strides[1];
        query_step = term.strides[2];
        key_step = term.strides[3];
      }
    }
    [[nodiscard]] bool exists() const { return data != nullptr; }
    const E& at(int64_t query, int64_t key) const { return data[query * query_step + key * key_step]; }
  };

  void added_to(int64_t query, int64_t key, int64_t count, S* to) const {
    std::fill_n(to, count, S(0));
    for (int64_t j = 0; j < count && bias_.exists(); ++j) {
      to[j] = widen(bias_.at(query, key + j));
    }
    for (int64_t j = 0; j < count && mask_.exists(); ++j) {
      to[j] = mask_.at(query, key + j) ? to[j] : kHidden;
    }
    const int64_t seen = is_causal_ ? std::clamp<int64_t>(query + 1 - key, 0, count) : count;
    std::fill(to + seen, to + count, kHidden);
  }

  Term<T> bias_;
  Term<bool> mask_;
  bool is_causal_;
};

/// How many keys the last of `count` queries from `query` on can see.
inline int64_t seen_keys(const AttentionShape& shape, int64_t query, int64_t count) {
  return shape.is_causal ? std::min(shape.keys, query + count) : shape.keys;
}

}  // namespace lv::kernels::cpu::LV_ISA
