#include "kernels/cpu/axial_gradient.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// A part of the blocks of one kind, and what its blocks add up together: sums of dS x and gradients of the tables.
template <class S, class T>
class AxialBackwardPart {
 public:
  AxialBackwardPart(const AxialAttentionBackwardArgs& args, const PairBlocks<S>& blocks, const AxialTables<S>& tables,
                    const TermFactors& factors, int64_t kind)
      : args_(args),
        shape_(args.shape),
        blocks_(blocks),
        factors_(factors),
        kind_(kind),
        table_(tables.of_kind(kind)),
        homes_(args.shape, channel_step<S>(args.shape), kLanes<S>),
        out_homes_(args.shape, kLanes<S>, 0) {
    struct ScratchTag;
    const int64_t keys = shape_.dim * channel_step<S>(shape_);
    const int64_t values = shape_.value_dim * channel_step<S>(shape_);
    const int64_t square = (kSquare + 2) * kSquareRow * kLanes<S>;
    S* next = thread_scratch<ScratchTag, S>(
        size_t(7 * keys + 4 * values + square + (shape_.length + shape_.dim + 2 * shape_.value_dim) * kLanes<S>));
    const auto take = [&next](int64_t count) { return std::exchange(next, next + count); };
    content_k_ = take(keys);
    position_k_ = take(keys);
    position_k_grad_ = take(keys);
    content_grad_ = take(2 * values);
    delta_ = take(shape_.length * kLanes<S>);
    square_ = take(square);
    mean_ = take(shape_.dim * kLanes<S>);
    out_ = take(2 * shape_.value_dim * kLanes<S>);
    table_sums_ = take(4 * keys);
    value_table_sums_ = take(2 * values);
    std::fill(content_grad_, content_grad_ + 2 * values, S(0));  // for terms that are left out
    std::fill(out_, out_ + 2 * shape_.value_dim * kLanes<S>, S(0));
    std::fill(table_sums_, value_table_sums_ + 2 * values, S(0));
  }

  void run(int64_t block) {
    const PackedBlock<const S> packed(args_.packed.as<S>(), shape_, block);
    const PackedBlock<S> grad(args_.packed_grad.as<S>(), shape_, block);
    scale_keys(blocks_, block, factors_, shape_, packed.k, content_k_, position_k_, mean_);
    const LanePlaces<const T, S> grads(shape_, args_.grad, block);
    const LanePlaces<const T, S> outs(shape_, args_.out, block);
    for (int64_t position = 0; position < shape_.length; ++position) {
      read_gradients(position, grads, outs);
    }
    std::fill_n(grad.q, shape_.head_channels() * channel_step<S>(shape_), S(0));
    std::fill_n(position_k_grad_, shape_.dim * channel_step<S>(shape_), S(0));
    const TileSource<S> source{.q = packed.q,
                               .k = packed.k,
                               .v = packed.v,
                               .content_k = content_k_,
                               .position_k = position_k_,
                               .table = table_,
                               .center = logit_center(blocks_, block, factors_),
                               .length = shape_.length,
                               .dim = shape_.dim,
                               .value_dim = shape_.value_dim,
                               .reach = shape_.reach,
                               .step = channel_step<S>(shape_)};
    const TileGradients<S> to{.q = grad.q,
                              .v = grad.v,
                              .content_k = grad.k,
                              .position_k = position_k_grad_,
                              .tables = table_sums_,
                              .value_table = value_table_sums_};
    AxialGradient<S>(source, packed.k, content_grad_, content_grad_ + shape_.value_dim * channel_step<S>(shape_),
                     delta_, args_.lse.as<S>() + block * shape_.length * kLanes<S>, to, square_)
        .run();
    finish_block(block, packed.k, grad);
  }

  /// out: gradients of the tables [head_channels][2 length - 1], then the sums of dS x [3][heads].
  void finish(double* out) const {
    const int64_t columns = 2 * shape_.length - 1;
    const int64_t d = shape_.dim;
    const int64_t lanes = blocks_.lanes(kind_);
    double* sums = out + shape_.head_channels() * columns;
    std::copy_n(sums_[0], shape_.heads, sums);
    std::fill_n(sums + shape_.heads, shape_.heads, 0.0);
    std::copy_n(sums_[2], shape_.heads, sums + 2 * shape_.heads);
    int64_t heads[kLanes<S>];
    for (int64_t lane = 0; lane < lanes; ++lane) {
      heads[lane] = blocks_.head(kind_, lane);
    }
    for (int64_t t = 0; t < columns; ++t) {
      for (int64_t c = 0; c < d; ++c) {
        const S* query = table_sums_ + (t * 2 * d + c) * kLanes<S>;
        const S* key = query + d * kLanes<S>;
        const auto table = double(table_.plain_query[c * table_.step + t - shape_.length + 1]);
        double query_sum = 0;
        double key_sum = 0;
        for (int64_t lane = 0; lane < lanes; ++lane) {
          sums[shape_.heads + heads[lane]] += double(query[lane]) * table;
          query_sum += double(query[lane]) * factors_.scale[1][heads[lane]];
          key_sum += double(key[lane]) * factors_.scale[2][heads[lane]];
        }
        out[c * columns + t] = query_sum;
        out[(d + c) * columns + columns - 1 - t] = key_sum;
      }
      for (int64_t c = 0; c < shape_.value_dim; ++c) {
        const S* value = value_table_sums_ + (t * shape_.value_dim + c) * kLanes<S>;
        out[(2 * d + c) * columns + t] = std::accumulate(value, value + lanes, 0.0);
      }
    }
  }

 private:
  using V = simd::Vec<S>;

  /// The outputs' gradients at a position, and the sum of their products with the outputs. In four sums, for what
  /// rounding leaves of it is in every dS of the query.
  void read_gradients(int64_t position, const LanePlaces<const T, S>& grads, const LanePlaces<const T, S>& outs) {
    gather_position<S, T>(grads, position, homes_.at, content_grad_);
    gather_position<S, T>(outs, position, out_homes_.at, out_);
    V sums[4] = {S(0), S(0), S(0), S(0)};
    in_fours(2 * shape_.value_dim, [&]<int C>(int64_t c) {
      for (int i = 0; i < C; ++i) {
        const V grad = simd::load(content_grad_ + (c + i) * channel_step<S>(shape_) + position * kLanes<S>);
        sums[i] = fma(grad, simd::load(out_ + (c + i) * kLanes<S>), sums[i]);
      }
    });
    simd::store(delta_ + position * kLanes<S>, (sums[0] + sums[1]) + (sums[2] + sums[3]));
  }

  void finish_block(int64_t block, const S* k, const PackedBlock<S>& grad) {
    const V content = blocks_.spread(block, factors_.scale[0]);
    const V position = blocks_.spread(block, factors_.scale[2]);
    for (int64_t c = 0; c < shape_.dim; ++c) {
      const V mean = simd::load(mean_ + c * kLanes<S>);
      V content_sum(S(0));
      V position_sum(S(0));
      const int64_t first = c * channel_step<S>(shape_);
      for (int64_t i = first; i < first + shape_.length * kLanes<S>; i += kLanes<S>) {
        const V key = simd::load(k + i);
        const V through_content = simd::load(grad.k + i);
        const V through_position = simd::load(position_k_grad_ + i);
        // The sum of dS x1 for keys around their mean, as in the logits: the mean's part is 0.
        content_sum = fma(key - mean, through_content, content_sum);
        position_sum = fma(key, through_position, position_sum);
        simd::store(grad.q + i, simd::load(grad.q + i) * S(kLn2));
        simd::store(grad.k + i, fma(content, through_content, position * through_position));
      }
      for (int64_t lane = 0; lane < blocks_.lanes(block); ++lane) {
        sums_[0][blocks_.head(block, lane)] += double(content_sum[int(lane)]);
        sums_[2][blocks_.head(block, lane)] += double(position_sum[int(lane)]);
      }
    }
  }

  const AxialAttentionBackwardArgs& args_;
  const AxialShape& shape_;
  const PairBlocks<S>& blocks_;
  const TermFactors& factors_;
  int64_t kind_;
  AxialTable<S> table_;
  OutputHomes<S> homes_;
  OutputHomes<S> out_homes_;  // in out_: [2 terms][value_dim][kLanes]
  S *content_k_, *position_k_, *position_k_grad_, *content_grad_, *delta_, *square_, *mean_, *out_;
  S *table_sums_, *value_table_sums_;  // see TileGradients
  double sums_[3][kMaxHeads] = {};
};

template <class S, class T>
void run_backward(const AxialAttentionBackwardArgs& args) {
  const AxialShape& shape = args.shape;
  const PairBlocks<S> blocks(shape);
  const TermFactors factors(shape, args.norm);
  const AxialTables<S> tables(shape, args.table, factors);
  const int64_t kinds = blocks.kinds();
  const int64_t blocks_of_kind = chunk_count(blocks.count(), kinds);
  const int64_t parts_of_kind = std::min(blocks_of_kind, chunk_count(16, kinds));
  const int64_t part_blocks = chunk_count(blocks_of_kind, std::max<int64_t>(parts_of_kind, 1));
  const int64_t parts = kinds * parts_of_kind;
  const int64_t size = args.parts.size(1);
  parallel_for(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      const int64_t kind = part % kinds;
      AxialBackwardPart<S, T> sums(args, blocks, tables, factors, kind);
      const int64_t first = part / kinds * part_blocks;
      for (int64_t i = first; i < first + part_blocks && i * kinds + kind < blocks.count(); ++i) {
        sums.run(i * kinds + kind);
      }
      sums.finish(args.parts.as<double>() + part * size);
    }
  });
  const int64_t table_size = shape.head_channels() * (2 * shape.length - 1);
  parallel_for(size, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double sum = 0;
      for (int64_t part = 0; part < parts; ++part) {
        sum += args.parts.as<double>()[part * size + i];
      }
      (i < table_size ? args.table_grad.as<double>() + i : args.sums.as<double>() + (i - table_size))[0] = sum;
    }
  });
}

}  // namespace

void axial_attention_backward(const AxialAttentionBackwardArgs& args) {
  visit_floating(args.out.dtype, "axial_attention", [&]<class T>() { run_backward<simd::Lane<T>, T>(args); });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(axial_attention_backward, AxialAttentionBackwardArgs)
