#include "kernels/cpu/axial_tile.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// Keys whose weights lie in the first-level cache until the values are added up.
constexpr int64_t kChunk = 64;

/// The queries of one block of pairs.
template <class S>
class AxialQueries {
 public:
  AxialQueries(const AxialShape& shape, const PairBlocks<S>& blocks, const AxialTables<S>& tables,
               const TermFactors& factors)
      : shape_(shape), blocks_(blocks), tables_(tables), factors_(factors) {
    struct ScratchTag;
    const int64_t keys = axial_positions(shape.length) * shape.dim;
    scratch_ =
        thread_scratch<ScratchTag, S>(size_t((2 * keys + shape.dim + 8 * shape.value_dim + 4 * kChunk) * kLanes<S>));
    results_ = scratch_ + 2 * keys * kLanes<S>;
    weights_ = results_ + 8 * shape.value_dim * kLanes<S>;
    mean_ = weights_ + 4 * kChunk * kLanes<S>;
  }

  void open(int64_t block, const PackedBlock<const S>& packed) {
    S* position_k = scratch_ + shape_.dim * channel_step<S>(shape_);
    scale_keys(blocks_, block, factors_, shape_, packed.k, scratch_, position_k, mean_);
    source_ = {.q = packed.q,
               .k = packed.k,
               .v = packed.v,
               .content_k = scratch_,
               .position_k = position_k,
               .table = tables_.of_kind(block % blocks_.kinds()),
               .center = logit_center(blocks_, block, factors_),
               .length = shape_.length,
               .dim = shape_.dim,
               .value_dim = shape_.value_dim,
               .reach = shape_.reach,
               .step = channel_step<S>(shape_)};
  }

  /// Outputs of I queries from i on, [2 terms][value_dim][4][kLanes], valid until the next call; lse: of query i, or
  /// none.
  template <int I>
  const S* run(int64_t i, S* lse) {
    V shift[I];
    V sums[I];
    attend<I>(i, shift, sums);
    V factors[I];
    for (int row = 0; row < I; ++row) {
      factors[row] = S(1) / sums[row];
      if (lse != nullptr) {
        simd::store(lse + row * kLanes<S>, log(sums[row]) * S(kLog2E) + shift[row]);
      }
    }
    for (int64_t c = 0; c < 2 * shape_.value_dim; ++c) {
#pragma GCC unroll 4
      for (int row = 0; row < I; ++row) {
        S* at = results_ + (c * 4 + row) * kLanes<S>;
        const V total = simd::load(at);
        const V quotient = factors[row] * total;  // and what its rounding left: backward subtracts such numbers
        simd::store(at, fma(fma(-quotient, sums[row], total), factors[row], quotient));
      }
    }
    return results_;
  }

 private:
  using V = simd::Vec<S>;

  /// Sums of weights 2^(logits - center - shift) and, in results_, of weighted values. The shift is 0 unless sums leave
  /// the range in which they are accurate, and then that of the largest logit.
  template <int I>
  [[gnu::noinline]] void attend(int64_t i, V (&shift)[I], V (&sums)[I]) {
    for (int row = 0; row < I; ++row) {
      shift[row] = V(S(0));
    }
    if (source_.sees_one() || !try_attend<I>(i, shift, sums)) [[unlikely]] {
      for (int row = 0; row < I; ++row) {
        shift[row] = -std::numeric_limits<S>::infinity();
      }
      in_fours(source_.end_key(i, I) - source_.first_key(i),
               [&]<int J>(int64_t j) { find_largest<I, J>(i, source_.first_key(i) + j, shift); });
      static_cast<void>(try_attend<I>(i, shift, sums));  // whatever they are now
    }
  }

  /// False where the sums are not accurate.
  template <int I>
  [[nodiscard]] bool try_attend(int64_t i, const V (&shift)[I], V (&sums)[I]) {
    for (int row = 0; row < I; ++row) {
      sums[row] = V(S(0));
    }
    const int64_t first = source_.first_key(i);
    const int64_t end = source_.end_key(i, I);
    // Chunks of equal size, in whole tiles.
    const int64_t chunk = chunk_count(chunk_count(end - first, chunk_count(end - first, kChunk)), 4) * 4;
    for (int64_t j = first; j < end; j += chunk) {
      const int64_t count = std::min(chunk, end - j);
      in_fours(count, [&]<int J>(int64_t at) { weigh<I, J>(i, j + at, shift, weights_ + at * I * kLanes<S>, sums); });
      in_runs<2>(source_.value_dim, [&]<int C>(int64_t c) { add_values<I, C>(i, j, count, c, j == first); });
    }
    bool is_accurate = true;
    for (int row = 0; row < I; ++row) {
      for (int64_t lane = 0; lane < kLanes<S>; ++lane) {
        is_accurate = is_accurate && sums[row][int(lane)] > S(1e-20) && sums[row][int(lane)] < S(1e30);
      }
    }
    return is_accurate;
  }

  /// weights[j][i] of a tile, and their sums.
  template <int I, int J>
  [[gnu::always_inline]] inline void weigh(int64_t i, int64_t j, const V (&shift)[I], S* weights, V (&sums)[I]) const {
    V x[I][J];
    make_weights(source_, i, j, shift, x);
#pragma GCC unroll 4
    for (int column = 0; column < J; ++column) {
#pragma GCC unroll 4
      for (int row = 0; row < I; ++row) {
        sums[row] += x[row][column];
        simd::store(weights + (column * I + row) * kLanes<S>, x[row][column]);
      }
    }
  }

  template <int I, int J>
  void find_largest(int64_t i, int64_t j, V (&largest)[I]) const {
    V x[I][J] = {};
    add_logits(source_, i, j, x);
    hide(source_, i, j, -std::numeric_limits<S>::infinity(), x);
    for (int row = 0; row < I; ++row) {
      for (int column = 0; column < J; ++column) {
        largest[row] = max(largest[row], x[row][column] - source_.center);
      }
    }
  }

  /// results[term][c][i] (is_first: =, else +=) weights_ times values of C channels, `count` keys from j on.
  template <int I, int C>
  [[gnu::always_inline]] inline void add_values(int64_t i, int64_t j, int64_t count, int64_t c, bool is_first) {
    S* content_results = results_ + c * 4 * kLanes<S>;
    S* position_results = content_results + source_.value_dim * 4 * kLanes<S>;
    V content[I][C];
    V position[I][C];
#pragma GCC unroll 4
    for (int row = 0; row < I; ++row) {
#pragma GCC unroll 2
      for (int x = 0; x < C; ++x) {
        content[row][x] = is_first ? V(S(0)) : simd::load(content_results + (x * 4 + row) * kLanes<S>);
        position[row][x] = is_first ? V(S(0)) : simd::load(position_results + (x * 4 + row) * kLanes<S>);
      }
    }
    const S* weights = weights_;
    const S* v = source_.v + c * source_.step + j * kLanes<S>;
    const S* table = source_.table.value + c * source_.table.step + (i - j);
    for (int64_t key = 0; key < count; ++key, weights += I * kLanes<S>, v += kLanes<S>, --table) {
      V p[I];
      load_rows(weights, p);
#pragma GCC unroll 2
      for (int x = 0; x < C; ++x) {
        const V value = pinned(simd::load(v + x * source_.step));
#pragma GCC unroll 4
        for (int row = 0; row < I; ++row) {
          content[row][x] = fma(p[row], value, content[row][x]);
          position[row][x] = fma(p[row], V(table[x * source_.table.step + row]), position[row][x]);
        }
      }
    }
#pragma GCC unroll 4
    for (int row = 0; row < I; ++row) {
#pragma GCC unroll 2
      for (int x = 0; x < C; ++x) {
        simd::store(content_results + (x * 4 + row) * kLanes<S>, content[row][x]);
        simd::store(position_results + (x * 4 + row) * kLanes<S>, position[row][x]);
      }
    }
  }

  const AxialShape& shape_;
  const PairBlocks<S>& blocks_;
  const AxialTables<S>& tables_;
  const TermFactors& factors_;
  S* scratch_;  // scaled keys
  S* results_;  // [2 terms][value_dim][4][kLanes]
  S* weights_;  // [kChunk][4][kLanes]
  S* mean_;     // of k
  TileSource<S> source_ = {};
};

}  // namespace

void axial_attention(const AxialAttentionArgs& args) {
  visit_floating(args.out.dtype, "axial_attention", [&]<class T>() {
    using S = simd::Lane<T>;
    const PairBlocks<S> blocks(args.shape);
    const TermFactors factors(args.shape, args.norm);
    const AxialTables<S> tables(args.shape, args.table, factors);
    const OutputHomes<S> homes(args.shape, 4 * kLanes<S>, kLanes<S>);
    parallel_for(blocks.count(), 1, [&](int64_t begin, int64_t end) {
      AxialQueries<S> queries(args.shape, blocks, tables, factors);
      for (int64_t block = begin; block < end; ++block) {
        const LanePlaces<T, S> places(args.shape, args.out, block);
        queries.open(block, PackedBlock<const S>(args.packed.as<S>(), args.shape, block));
        in_fours(args.shape.length, [&]<int I>(int64_t i) {
          S* lse = args.lse.defined() ? args.lse.as<S>() + (block * args.shape.length + i) * kLanes<S> : nullptr;
          const S* results = queries.template run<I>(i, lse);
          for (int row = 0; row < I; ++row) {
            scatter_position<S, T>(results, row, homes.at, places, i + row);
          }
        });
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(axial_attention, AxialAttentionArgs)
