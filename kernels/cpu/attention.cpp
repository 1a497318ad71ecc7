#include "kernels/attention.h"

#include "core/parallel.h"
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

struct KeyTag;
struct ValueTag;
struct QueryTag;
struct LogitTag;
struct WeightTag;
struct ResultTag;

/// The queries of one head, a panel at a time.
template <class T, class M>
class Attention {
 public:
  Attention(const AttentionArgs& args, int64_t task)
      : args_(args),
        shape_(args.shape),
        head_{args.shape, task},
        terms_(head_, args.terms),
        key_step_(left_step<M>(units_of<M>(shape_.dim))),
        value_step_(left_step<M>(units_of<M>(shape_.keys) + kTile<Unit>)),
        keys_(thread_scratch<KeyTag, Unit>(size_t(padded_rows(shape_.keys) * key_step_))),
        values_(thread_scratch<ValueTag, Unit>(size_t(padded_rows(shape_.value_dim) * value_step_))),
        queries_(thread_scratch<QueryTag, Unit>(size_t(padded_rows(units_of<M>(shape_.dim)) * kColumns))),
        logits_(thread_scratch<LogitTag, Sum>(size_t(shape_.keys * kColumns))),
        weights_(weight_scratch()),
        results_(thread_scratch<ResultTag, Sum>(size_t(padded_rows(shape_.value_dim) * kColumns))) {
    pack_rows<M>(head_, head_rows<const T>(args.k), 0, shape_.keys, shape_.dim, keys_, key_step_);
    pack_channels<M>(head_, head_rows<const T>(args.v), shape_.keys, shape_.value_dim, values_, value_step_);
  }

  /// Queries [first, first + count), count up to the columns of a panel.
  void run(int64_t first, int64_t count) {
    const int64_t keys = seen_keys(shape_, first, count);
    auto scale = Sum(shape_.scale);
    pack_column_panel<M>(head_, head_rows<const T>(args_.q), first, count, shape_.dim, queries_);
    multiply_rows<M>(keys_, keys, dense_panel<M>(queries_, units_of<M>(shape_.dim), count, key_step_, kColumns),
                     logits_);
    if (terms_.exist()) {
      terms_.template finish<M>(logits_, keys, first, count, scale);
      scale = 1;
    }
    Sum* lse = args_.lse.as<Sum>() + head_.task * shape_.queries + first;
    Sum inverse_sums[kColumns];
    for (int64_t column = 0; column < count; column += Sums::kLanes) {
      const auto [largest, sum] = exponentiate(keys, column, scale);
      simd::store(lse + column, largest + log(sum), std::min<int64_t>(count - column, Sums::kLanes));
      // A query that sees nothing gets NaN, as from a softmax over nothing.
      simd::store(inverse_sums + column, Sums(Sum(1)) / sum);
    }
    multiply_rows<M>(values_, shape_.value_dim,
                     dense_panel<M>(weights_, units_of<M>(keys), count, value_step_, kColumns), results_);
    const auto o = head_rows<T>(args_.o);
    write_turned<T, M>(
        results_, shape_.value_dim, count, [&](int64_t i) { return inverse_sums[i]; },
        [&](int64_t i) { return head_.row(o, first + i); });
  }

 private:
  using Unit = typename M::Unit;
  using Sum = typename M::Sum;
  using Sums = typename M::Sums;
  static constexpr int64_t kColumns = kTileColumns<M>;

  /// In pairs, weights take half as many rows; otherwise they take the logits' place.
  Unit* weight_scratch() {
    if constexpr (M::kDepth == 1) {
      return logits_;
    } else {
      return thread_scratch<WeightTag, Unit>(size_t(units_of<M>(shape_.keys) * kColumns));
    }
  }

  struct LaneSums {
    Sums largest, sum;
  };
  /// weights = exp(logits - the largest) of a vector of queries from `column` on; logits are products by `scale`.
  LaneSums exponentiate(int64_t keys, int64_t column, Sum scale) const {
    const Sum* logits = logits_ + column;
    Sums largest[2] = {-std::numeric_limits<Sum>::infinity(), -std::numeric_limits<Sum>::infinity()};
    for (int64_t key = 0; key < keys; ++key) {
      Sums& most = largest[key % 2];
      most = fast_max(most, simd::load(logits + key * kColumns) * scale);
    }
    const Sums most = fast_max(largest[0], largest[1]);
    const Sums subtracted = select(most == -std::numeric_limits<Sum>::infinity(), Sums(Sum(0)), most);
    const auto weight = [&](int64_t key) {
      return exp(fma(simd::load(logits + key * kColumns), Sums(scale), -subtracted));
    };
    Sums sum = Sum(0);
    for (int64_t unit = 0; unit < units_of<M>(keys); ++unit) {
      Sums weights[2] = {Sum(0), Sum(0)};
      for (int64_t i = 0; i < M::kDepth && unit * M::kDepth + i < keys; ++i) {
        weights[i] = weight(unit * M::kDepth + i);
        sum += weights[i];
      }
      simd::store(weights_ + unit * kColumns + column, join_weights<M>(weights[0], weights[1]));
    }
    return {subtracted, sum};
  }

  const AttentionArgs& args_;
  const AttentionShape& shape_;
  HeadTask head_;
  LogitTerms<T, Sum> terms_;
  int64_t key_step_, value_step_;
  Unit* keys_;     // [keys][units of channels]
  Unit* values_;   // [channels][units of keys]
  Unit* queries_;  // a panel: [units of channels][kColumns]
  Sum* logits_;    // [keys][kColumns]
  Unit* weights_;  // a panel: [units of keys][kColumns]
  Sum* results_;   // [channels][kColumns]
};

/// Heads are cut into parts where they are few: a part packs the keys and values again.
int64_t parts_of_head(const AttentionShape& shape, int64_t panels) {
  constexpr int64_t kMinTasks = 16;
  constexpr int64_t kMinPanels = 4;
  const int64_t wanted = chunk_count(kMinTasks, std::max<int64_t>(1, shape.batch * shape.heads));
  return std::clamp<int64_t>(wanted, 1, std::max<int64_t>(1, panels / kMinPanels));
}

}  // namespace

void attention(const AttentionArgs& args) {
  const AttentionShape& shape = args.shape;
  visit_product_math(args.q.dtype, "attention", [&]<class T, class M>() {
    constexpr int64_t kColumns = kTileColumns<M>;
    const int64_t panels = chunk_count(shape.queries, kColumns);
    const int64_t parts = parts_of_head(shape, panels);
    parallel_for(shape.batch * shape.heads * parts, 1, [&](int64_t part, int64_t) {
      Attention<T, M> head(args, part / parts);
      const int64_t end = panels * (part % parts + 1) / parts;
      for (int64_t panel = panels * (part % parts) / parts; panel < end; ++panel) {
        head.run(panel * kColumns, std::min(kColumns, shape.queries - panel * kColumns));
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(attention, AttentionArgs)
