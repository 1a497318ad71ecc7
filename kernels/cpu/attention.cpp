#include "kernels/attention.h"

#include "core/parallel.h"
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// What a row of logits sums to.
template <class S>
struct Sum {
  S largest;
  S scaled;  // sum of exp(logit - largest)
};

/// exp(row - its largest) in place; zeros where every key is hidden.
template <class S>
Sum<S> exponentiate(S* row, int64_t keys) {
  S largest = -std::numeric_limits<S>::infinity();
  for (int64_t j = 0; j < keys; ++j) {
    largest = std::max(largest, row[j]);
  }
  if (largest == -std::numeric_limits<S>::infinity()) {
    std::fill(row, row + keys, S(0));
    return {largest, S(0)};
  }
  simd::map(keys, row, [largest](auto x) { return exp(x - largest); }, row);
  return {largest, simd::reduce_sum<S>(keys, [row](int64_t i, auto lanes) { return lanes.load(row + i); })};
}

template <class T, class S>
void attend(const AttentionArgs& args, int64_t task) {
  const AttentionShape& shape = args.shape;
  const int64_t keys = padded_to_lanes(shape.keys);
  const int64_t dim = padded_to_lanes(shape.dim);
  S* k_columns = args.workspace.as<S>() + task * attention_task_workspace(shape, 1);
  S* v_rows = k_columns + dim * keys;
  S* logits = v_rows + dim * keys;
  S* tile = logits + 2 * kRows * keys;
  S* results = tile + kRows * dim;
  pack_columns<T, S>(head_of(args.k.as<T>(), shape, shape.keys, task), shape.keys, shape.dim, k_columns, keys);
  pack_rows<T, S>(head_of(args.v.as<T>(), shape, shape.keys, task), shape.keys, shape.dim, v_rows, dim);
  const auto q = head_of(args.q.as<T>(), shape, shape.queries, task);
  const auto o = head_of(args.o.as<T>(), shape, shape.queries, task);
  for (int64_t first = 0; first < shape.queries; first += kRows) {
    pack_tile<T, S>(q, first, shape.queries, shape.dim, tile, dim);
    tile_product(tile, dim, k_columns, shape.dim, keys, logits, keys, keys);
    const int64_t count = std::min<int64_t>(kRows, shape.queries - first);
    S inverse_sums[kRows] = {};
    for (int64_t r = 0; r < count; ++r) {
      S* row = logits + r * keys;
      finish_logits<T>(row, shape, args.terms, task, first + r);
      const auto [largest, sum] = exponentiate(row, shape.keys);
      args.lse.as<S>()[task * shape.queries + first + r] = largest + std::log(sum);
      inverse_sums[r] = S(1) / sum;  // a query that sees nothing gets NaN, as a softmax over nothing does
    }
    tile_product(logits, keys, v_rows, shape.keys, dim, results, dim, dim);
    for (int64_t r = 0; r < count; ++r) {
      T* target = o.row(first + r);
      for (int64_t d = 0; d < shape.dim; ++d) {
        target[d] = convert<T>(results[r * dim + d] * inverse_sums[r]);
      }
    }
  }
}

}  // namespace

void attention(const AttentionArgs& args) {
  visit_floating(args.q.dtype, "attention", [&]<class T>() {
    parallel_for(args.shape.batch * args.shape.heads, 1,
                 [&](int64_t task, int64_t) { attend<T, ComputeType<T>>(args, task); });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(attention, AttentionArgs)
