#include "core/parallel.h"
#include "kernels/attention.h"
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

struct KeyTag;
struct ValueTag;
struct KeyChannelTag;
struct ColumnTag;
struct ProductTag;
struct WeightTag;
struct RowPanelTag;
struct GradTag;

/// One head: panels of queries in order, so that the sums for keys and values have one order.
template <class T, class M>
class AttentionBackward {
 public:
  AttentionBackward(const AttentionBackwardArgs& args, int64_t task)
      : args_(args),
        shape_(args.shape),
        head_{args.shape, task},
        terms_(head_, args.terms),
        units_(units_of<M>(shape_.dim)),
        value_units_(units_of<M>(shape_.value_dim)),
        key_step_(left_step<M>(units_)),
        value_step_(left_step<M>(value_units_)),
        channel_step_(left_step<M>(units_of<M>(shape_.keys) + kTile<Unit>)),
        dim_step_(padded_columns<M>(shape_.dim)),
        value_dim_step_(padded_columns<M>(shape_.value_dim)) {
    const int64_t rows = padded_rows(shape_.keys);
    keys_ = thread_scratch<KeyTag, Unit>(size_t(rows * key_step_));
    values_ = thread_scratch<ValueTag, Unit>(size_t(rows * value_step_));
    key_channels_ = thread_scratch<KeyChannelTag, Unit>(size_t(padded_rows(shape_.dim) * channel_step_));
    columns_ = thread_scratch<ColumnTag, Unit>(size_t(padded_rows(std::max(units_, value_units_)) * kColumns));
    products_ = thread_scratch<ProductTag, Sum>(size_t(2 * rows * kColumns + padded_rows(shape_.dim) * kColumns));
    slopes_ = products_ + rows * kColumns;
    results_ = slopes_ + rows * kColumns;
    weights_ = thread_scratch<WeightTag, Unit>(size_t(3 * rows * kColumns / M::kDepth));
    row_panels_ = thread_scratch<RowPanelTag, Unit>(size_t(kColumns * std::max(dim_step_, value_dim_step_)));
    dk_ = thread_scratch<GradTag, Sum>(size_t(rows * (dim_step_ + value_dim_step_)));
    dv_ = dk_ + rows * dim_step_;
    pack_rows<M>(head_, k(), 0, shape_.keys, shape_.dim, keys_, key_step_);
    pack_rows<M>(head_, v(), 0, shape_.keys, shape_.value_dim, values_, value_step_);
    if (args.dq.defined()) {
      pack_channels<M>(head_, k(), shape_.keys, shape_.dim, key_channels_, channel_step_);
    }
    std::fill_n(dk_, shape_.keys * dim_step_, Sum(0));
    std::fill_n(dv_, shape_.keys * value_dim_step_, Sum(0));
  }

  /// Adds what queries [first, first + count) contribute, count up to the columns of a panel.
  void run(int64_t first, int64_t count) {
    const int64_t keys = seen_keys(shape_, first, count);
    multiply_columns(q(), first, count, shape_.dim, keys_, key_step_, keys, products_);
    multiply_columns(grad(), first, count, shape_.value_dim, values_, value_step_, keys, slopes_);
    auto scale = Sum(shape_.scale);
    if (terms_.exist()) {
      terms_.template finish<M>(products_, keys, first, count, scale);
      scale = 1;
    }
    find_slopes(keys, first, count, scale);
    if (args_.dv.defined()) {
      add_products(weight_rows(), keys, grad(), first, count, shape_.value_dim, dv_, value_dim_step_);
    }
    if (args_.dk.defined()) {
      add_products(slope_rows(), keys, q(), first, count, shape_.dim, dk_, dim_step_);
    }
    if (args_.dq.defined()) {
      multiply_rows<M>(key_channels_, shape_.dim,
                       dense_panel<M>(slope_panel(), units_of<M>(keys), count, channel_step_, kColumns), results_);
      const auto dq = head_rows<T>(args_.dq);
      write_turned<T, M>(
          results_, shape_.dim, count, [&](int64_t) { return Sum(shape_.scale); },
          [&](int64_t i) { return head_.row(dq, first + i); });
    }
    if (args_.dbias.defined()) {
      T* dbias = args_.dbias.as<T>() + (head_.task * shape_.queries + first) * shape_.keys;
      std::fill_n(dbias, count * shape_.keys, convert<T>(0.0F));
      write_turned<T, M>(
          slopes_, keys, count, [](int64_t) { return Sum(1); }, [&](int64_t i) { return dbias + i * shape_.keys; });
    }
  }

  void finish() {
    if (args_.dk.defined()) {
      write(dk_, dim_step_, Sum(shape_.scale), shape_.dim, args_.dk);
    }
    if (args_.dv.defined()) {
      write(dv_, value_dim_step_, Sum(1), shape_.value_dim, args_.dv);
    }
  }

 private:
  using Unit = typename M::Unit;
  using Sum = typename M::Sum;
  using Sums = typename M::Sums;
  static constexpr int64_t kColumns = kTileColumns<M>;
  static constexpr int64_t kRowStep = kColumns / M::kDepth;  // units of a row of weights

  HeadRows<const T> q() const { return head_rows<const T>(args_.q); }
  HeadRows<const T> k() const { return head_rows<const T>(args_.k); }
  HeadRows<const T> v() const { return head_rows<const T>(args_.v); }
  HeadRows<const T> grad() const { return head_rows<const T>(args_.grad); }

  // The weights and their slopes as left operands, [keys][kRowStep], and the slopes as a panel, [units of keys]
  // [kColumns]: one array where units are elements.
  Unit* weight_rows() const { return weights_; }
  Unit* slope_rows() const { return weights_ + padded_rows(shape_.keys) * kRowStep; }
  Unit* slope_panel() const {
    return M::kDepth == 1 ? slope_rows() : slope_rows() + padded_rows(shape_.keys) * kRowStep;
  }

  /// c [keys][kColumns] = rows of `a` by queries [first, first + count) of `columns`.
  void multiply_columns(const HeadRows<const T>& columns, int64_t first, int64_t count, int64_t dim, const Unit* a,
                        int64_t a_step, int64_t keys, Sum* c) const {
    pack_column_panel<M>(head_, columns, first, count, dim, columns_);
    multiply_rows<M>(a, keys, dense_panel<M>(columns_, units_of<M>(dim), count, a_step, kColumns), c);
  }

  /// c [keys][c_step] += `rows` by queries [first, first + count) of `columns`.
  void add_products(const Unit* rows, int64_t keys, const HeadRows<const T>& columns, int64_t first, int64_t count,
                    int64_t dim, Sum* c, int64_t c_step) const {
    const int64_t tap = 0;
    const PanelSource<T> source{.data = head_.row(columns, first),
                                .taps = {&tap, 1},
                                .depth = count,
                                .columns = dim,
                                .depth_step = columns.row_step,
                                .column_step = 1};
    for (int64_t panel = 0; panel * kColumns < dim; ++panel) {
      pack_panel<M>(source, panel, row_panels_);
      multiply_rows<M, true>(rows, keys,
                             dense_panel<M>(row_panels_, units_of<M>(count), dim - panel * kColumns, kRowStep, c_step),
                             c + panel * kColumns);
    }
  }

  /// From products and slopes, which hold the gradients of the weights: the weights, and the gradients of the logits.
  void find_slopes(int64_t keys, int64_t first, int64_t count, Sum scale) const {
    // Lanes without a query get weights of zero.
    Sum lse[kColumns];
    Sum deltas[kColumns] = {};
    std::fill_n(lse, kColumns, std::numeric_limits<Sum>::infinity());
    std::copy_n(args_.lse.as<Sum>() + head_.task * shape_.queries + first, count, lse);
    const auto o = head_rows<const T>(args_.o);
    for (int64_t i = 0; i < count; ++i) {
      const T* grad_row = head_.row(grad(), first + i);
      const T* o_row = head_.row(o, first + i);
      deltas[i] = simd::reduce_sum<T>(
          shape_.value_dim, [=](int64_t d, auto lanes) { return lanes.load(grad_row + d) * lanes.load(o_row + d); });
    }
    for (int64_t column = 0; column < count; column += Sums::kLanes) {
      find_slopes_of_lanes(keys, column, simd::load(lse + column), simd::load(deltas + column), scale);
    }
  }

  void find_slopes_of_lanes(int64_t keys, int64_t column, Sums lse, Sums delta, Sums scale) const {
    using Stored = std::conditional_t<M::kDepth == 1, Sum, T>;
    for (int64_t unit = 0; unit < units_of<M>(keys); ++unit) {
      Sums slopes[2] = {Sum(0), Sum(0)};
      for (int64_t i = 0; i < M::kDepth && unit * M::kDepth + i < keys; ++i) {
        const int64_t key = unit * M::kDepth + i;
        const int64_t at = key * kColumns + column;
        const Sums weight = exp(fma(simd::load(products_ + at), scale, -lse));
        slopes[i] = weight * (simd::load(slopes_ + at) - delta);
        simd::store(reinterpret_cast<Stored*>(weight_rows() + key * kRowStep) + column, weight);
        simd::store(reinterpret_cast<Stored*>(slope_rows() + key * kRowStep) + column, slopes[i]);
        if (args_.dbias.defined()) {
          simd::store(slopes_ + at, slopes[i]);
        }
      }
      if constexpr (M::kDepth == 2) {
        simd::store(slope_panel() + unit * kColumns + column, join_weights<M>(slopes[0], slopes[1]));
      }
    }
  }

  void write(const Sum* rows, int64_t step, Sum factor, int64_t dim, const TensorRef& to) const {
    const auto target = head_rows<T>(to);
    for (int64_t i = 0; i < shape_.keys; ++i) {
      simd::map(dim, head_.row(target, i), [factor](auto x) { return x * factor; }, rows + i * step);
    }
  }

  const AttentionBackwardArgs& args_;
  const AttentionShape& shape_;
  HeadTask head_;
  LogitTerms<T, Sum> terms_;
  int64_t units_, value_units_;  // of channels
  int64_t key_step_, value_step_, channel_step_, dim_step_, value_dim_step_;
  Unit* keys_;          // [keys][units of channels]
  Unit* values_;        // [keys][units of channels]
  Unit* key_channels_;  // [channels][units of keys]
  Unit* columns_;       // a panel of queries: [units of channels][kColumns]
  Sum* products_;       // [keys][kColumns]
  Sum* slopes_;         // [keys][kColumns]
  Sum* results_;        // [channels][kColumns]
  Unit* weights_;       // see weight_rows
  Unit* row_panels_;    // a panel of channels: [units of queries][kColumns]
  Sum* dk_;             // [keys][dim_step]
  Sum* dv_;             // [keys][value_dim_step]
};

}  // namespace

void attention_backward(const AttentionBackwardArgs& args) {
  const AttentionShape& shape = args.shape;
  visit_product_math(args.q.dtype, "attention", [&]<class T, class M>() {
    constexpr int64_t kColumns = kTileColumns<M>;
    parallel_for(shape.batch * shape.heads, 1, [&](int64_t task, int64_t) {
      AttentionBackward<T, M> head(args, task);
      for (int64_t first = 0; first < shape.queries; first += kColumns) {
        head.run(first, std::min(kColumns, shape.queries - first));
      }
      head.finish();
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(attention_backward, AttentionBackwardArgs)
