#include "core/parallel.h"
#include "kernels/attention.h"
#include "kernels/cpu/attention_tile.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// sums[j][d] += sum over the tile's rows of weights[r][j] * rows[r][d].
template <class S>
void add_outer(const S* weights, int64_t keys, const S* rows, int64_t dim, S* sums, int64_t key_count) {
  using V = simd::Vec<S>;
  for (int64_t j = 0; j < key_count; ++j) {
    const V w0(weights[j]);
    const V w1(weights[keys + j]);
    const V w2(weights[2 * keys + j]);
    const V w3(weights[3 * keys + j]);
    for (int64_t d = 0; d < dim; d += V::kLanes) {
      V sum = simd::load(sums + j * dim + d);
      sum = fma(w0, simd::load(rows + d), sum);
      sum = fma(w1, simd::load(rows + dim + d), sum);
      sum = fma(w2, simd::load(rows + 2 * dim + d), sum);
      sum = fma(w3, simd::load(rows + 3 * dim + d), sum);
      simd::store(sums + j * dim + d, sum);
    }
  }
}

/// One (batch, head): its query tiles in order, so that the sums for keys and values have one order.
template <class T, class S>
void differentiate(const AttentionBackwardArgs& args, int64_t task) {
  const AttentionShape& shape = args.shape;
  const int64_t keys = padded_to_lanes(shape.keys);
  const int64_t dim = padded_to_lanes(shape.dim);
  const int64_t matrix = keys * dim;
  S* k_columns = args.workspace.as<S>() + task * attention_task_workspace(shape, 3);
  S* v_columns = k_columns + matrix;
  S* k_rows = v_columns + matrix;
  S* dk = k_rows + matrix;
  S* dv = dk + matrix;
  S* weights = dv + 2 * matrix;  // the sixth matrix is not needed
  S* slopes = weights + kRows * keys;
  S* q_tile = slopes + kRows * keys;
  S* grad_tile = q_tile + kRows * dim;
  const auto k = head_of(args.k.as<T>(), shape, shape.keys, task);
  const auto v = head_of(args.v.as<T>(), shape, shape.keys, task);
  pack_columns<T, S>(k, shape.keys, shape.dim, k_columns, keys);
  pack_columns<T, S>(v, shape.keys, shape.dim, v_columns, keys);
  pack_rows<T, S>(k, shape.keys, shape.dim, k_rows, dim);
  std::fill(dk, dk + 2 * matrix, S(0));
  const auto q = head_of(args.q.as<T>(), shape, shape.queries, task);
  const auto grad = head_of(args.grad.as<T>(), shape, shape.queries, task);
  const auto o = head_of(args.o.as<T>(), shape, shape.queries, task);
  const auto dq = head_of(args.dq.as<T>(), shape, shape.queries, task);
  const S* lse = args.lse.as<S>() + task * shape.queries;
  S results[kRows * kMaxAttentionDim];
  for (int64_t first = 0; first < shape.queries; first += kRows) {
    const int64_t count = std::min<int64_t>(kRows, shape.queries - first);
    pack_tile<T, S>(q, first, shape.queries, shape.dim, q_tile, dim);
    pack_tile<T, S>(grad, first, shape.queries, shape.dim, grad_tile, dim);
    tile_product(q_tile, dim, k_columns, shape.dim, keys, weights, keys, keys);
    tile_product(grad_tile, dim, v_columns, shape.dim, keys, slopes, keys, keys);
    std::fill(weights + count * keys, weights + kRows * keys, S(0));
    for (int64_t r = 0; r < count; ++r) {
      S* p = weights + r * keys;
      S* slope = slopes + r * keys;
      finish_logits<T>(p, shape, args.terms, task, first + r);
      const S row_lse = lse[first + r];
      simd::map(shape.keys, p, [row_lse](auto x) { return exp(x - row_lse); }, p);
      std::fill(p + shape.keys, p + keys, S(0));
      S delta = 0;
      for (int64_t d = 0; d < shape.dim; ++d) {
        delta += grad_tile[r * dim + d] * widen(o.row(first + r)[d]);
      }
      for (int64_t j = 0; j < shape.keys; ++j) {
        slope[j] = p[j] * (slope[j] - delta);
      }
      if (args.dbias.defined()) {
        T* dbias = args.dbias.as<T>() + (task * shape.queries + first + r) * shape.keys;
        for (int64_t j = 0; j < shape.keys; ++j) {
          dbias[j] = convert<T>(slope[j]);
        }
      }
    }
    add_outer(weights, keys, grad_tile, dim, dv, shape.keys);
    add_outer(slopes, keys, q_tile, dim, dk, shape.keys);
    tile_product(slopes, keys, k_rows, shape.keys, dim, results, dim, dim);
    for (int64_t r = 0; r < count; ++r) {
      for (int64_t d = 0; d < shape.dim; ++d) {
        dq.row(first + r)[d] = convert<T>(results[r * dim + d] * S(shape.scale));
      }
    }
  }
  const auto dk_rows = head_of(args.dk.as<T>(), shape, shape.keys, task);
  const auto dv_rows = head_of(args.dv.as<T>(), shape, shape.keys, task);
  for (int64_t j = 0; j < shape.keys; ++j) {
    for (int64_t d = 0; d < shape.dim; ++d) {
      dk_rows.row(j)[d] = convert<T>(dk[j * dim + d] * S(shape.scale));
      dv_rows.row(j)[d] = convert<T>(dv[j * dim + d]);
    }
  }
}

}  // namespace

void attention_backward(const AttentionBackwardArgs& args) {
  visit_floating(args.q.dtype, "attention", [&]<class T>() {
    parallel_for(args.shape.batch * args.shape.heads, 1,
                 [&](int64_t task, int64_t) { differentiate<T, ComputeType<T>>(args, task); });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(attention_backward, AttentionBackwardArgs)
