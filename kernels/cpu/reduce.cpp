#include "kernels/cpu/blocks.h"
#include "kernels/cpu/isa.h"
#include "kernels/reduce.plan.h"
#include "kernels/simd/loop.h"
#include "kernels/simd/math.h"

// See Note [Reductions]. Within about 4,000 terms sums are kept in vectors of ComputeType, beyond that in double, so
// that the error does not grow with the length.

namespace lv::kernels::cpu::LV_ISA {

namespace {

constexpr int64_t kTaskGrain = 32768;  // terms

/// One reduction R of terms M over arrays of T.
template <class R, class M, class T>
class Reducer {
 public:
  using C = simd::Lane<T>;
  using V = simd::Vec<C>;
  using Other = std::conditional_t<std::is_same_v<M, cell::Product>, T, C>;

  explicit Reducer(const ReduceArgs& args)
      : plan_(plan_reduce(args)),
        x_(args.x.as<T>()),
        other_(args.other.defined() ? args.other.as<Other>() : &kNone),
        partials_(args.workspace.as<double>()),
        args_(args) {}

  void run() const {
    if (plan_.is_inner) {
      run_inner();
    } else {
      run_outer();
    }
    if (plan_.chunks > 1) {
      combine_chunks();
    }
  }

 private:
  static constexpr Other kNone{};

  // Results.

  void finish(int64_t y_at, double total) const {
    const C value = C(total * args_.scale);
    if (args_.y.dtype == kDTypeOf<T>) {
      args_.y.as<T>()[y_at] = convert<T>(value);
    } else {
      args_.y.as<C>()[y_at] = value;
    }
  }

  void combine_chunks() const {
    const int64_t count = plan_.outputs.count;
    parallel_for(count, std::max<int64_t>(1, kTaskGrain / plan_.chunks), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        double total = R::kIdentity;
        for (int64_t chunk = 0; chunk < plan_.chunks; ++chunk) {
          total = R::combine(total, partials_[chunk * count + o]);
        }
        int64_t at[3];
        plan_.outputs.offsets(o, at);
        finish(at[ReducePlan::kY], total);
      }
    });
  }

  // Inner.

  /// The terms of a contiguous piece; `o` belongs to `other` and is contiguous too.
  static double reduce_piece(int64_t n, const T* x, const Other* o) {
    constexpr int64_t kPiece = 4096;
    double total = R::kIdentity;
    for (int64_t begin = 0; begin < n; begin += kPiece) {
      const auto term = [&](int64_t i, auto lanes) {
        if constexpr (M::kHasOther) {
          return M::term(lanes.load(x + begin + i), lanes.load(o + begin + i));
        } else {
          return M::term(lanes.load(x + begin + i), V(C(0)));
        }
      };
      const auto combine = [](V a, V b) { return R::combine(a, b); };
      const V of_lane = simd::detail::reduce<T>(std::min(kPiece, n - begin), term, combine, C(R::kIdentity));
      total = R::combine(total, double(across(of_lane)));
    }
    return total;
  }

  static C across(V v) {
    if constexpr (std::is_same_v<R, cell::SumOf>) {
      return simd::sum(v);
    } else if constexpr (std::is_same_v<R, cell::MaxOf>) {
      return simd::max(v);
    } else {
      return simd::min(v);
    }
  }

  /// Terms begin .. begin + n of one run that starts at x and o.
  double reduce_run(int64_t n, const T* x, const Other* o) const {
    const int64_t x_step = plan_.terms.step(1);
    const int64_t o_step = plan_.terms.step(0);
    if (x_step == 1 && (!M::kHasOther || o_step == 1)) {
      return reduce_piece(n, x, o);
    }
    RunReader<T> x_run(x, x_step, n);
    RunReader<Other> o_run(o, o_step, M::kHasOther ? n : 0);
    double total = R::kIdentity;
    for (int64_t begin = 0; begin < n; begin += kBlock) {
      const int64_t count = std::min(kBlock, n - begin);
      total = R::combine(total, reduce_piece(count, x_run.block(begin, count), o_run.block(begin, count)));
    }
    return total;
  }

  double reduce_terms(int64_t begin, int64_t end, const T* x, const Other* o) const {
    const int64_t length = plan_.terms.run();
    double total = R::kIdentity;
    while (begin < end) {
      int64_t at[2];
      plan_.terms.offsets(begin, at);
      const int64_t count = std::min(length - begin % length, end - begin);
      total = R::combine(total, reduce_run(count, x + at[1], o + at[0]));
      begin += count;
    }
    return total;
  }

  void run_inner() const {
    const int64_t count = plan_.outputs.count;
    const int64_t terms = plan_.terms.count;
    const int64_t per_task = std::clamp<int64_t>(terms, 1, plan_.chunk);
    parallel_for(count * plan_.chunks, std::max<int64_t>(1, kTaskGrain / per_task), [&](int64_t first, int64_t last) {
      for (int64_t task = first; task < last; ++task) {
        const int64_t output = task / plan_.chunks;
        const int64_t chunk = task % plan_.chunks;
        int64_t at[3];
        plan_.outputs.offsets(output, at);
        const double total = reduce_terms(chunk * plan_.chunk, std::min(terms, (chunk + 1) * plan_.chunk),
                                          x_ + at[ReducePlan::kX], other_ + at[ReducePlan::kOther]);
        if (plan_.chunks == 1) {
          finish(at[ReducePlan::kY], total);
        } else {
          partials_[chunk * count + output] = total;
        }
      }
    });
  }

  // Outer.

  static constexpr int kRows = 8;  // added as a tree before they meet the column's sum

  /// Reads the same columns of several rows.
  struct Rows {
    BlockBuffer<T> x_buffers[kRows];
    BlockBuffer<Other> o_buffers[kRows];
    const T* x[kRows];
    const Other* o[kRows];
  };

  template <class E>
  static const E* columns(const E* start, int64_t step, int64_t n, BlockBuffer<E>& buffer) {
    if (step == 1) {
      return start;
    }
    for (int64_t i = 0; i < n; ++i) {
      buffer.data()[i] = start[i * step];
    }
    return buffer.data();
  }

  /// sums[c] gains the terms of kCount rows.
  template <int kCount>
  static void add_rows(const Rows& rows, int64_t n, C* sums) {
    simd::for_each_vec<T>(n, [&](int64_t c, auto lanes) {
      V terms[kCount];
      for (int r = 0; r < kCount; ++r) {
        if constexpr (M::kHasOther) {
          terms[r] = M::term(lanes.load(rows.x[r] + c), lanes.load(rows.o[r] + c));
        } else {
          terms[r] = M::term(lanes.load(rows.x[r] + c), V(C(0)));
        }
      }
      for (int step = 1; step < kCount; step *= 2) {
        for (int r = 0; r + step < kCount; r += 2 * step) {
          terms[r] = R::combine(terms[r], terms[r + step]);
        }
      }
      lanes.store(sums + c, R::combine(lanes.load(sums + c), terms[0]));
    });
  }

  /// Rows begin .. end of n columns that start at x and o.
  void reduce_columns(int64_t begin, int64_t end, int64_t n, const T* x, const Other* o, double* totals) const {
    constexpr int64_t kFlush = 256;  // rows
    Rows rows;
    C sums[kBlock];
    std::fill_n(totals, n, R::kIdentity);
    for (int64_t from = begin; from < end; from += kFlush) {
      const int64_t to = std::min(end, from + kFlush);
      std::fill_n(sums, n, C(R::kIdentity));
      for (int64_t row = from; row < to; row += kRows) {
        const int count = int(std::min<int64_t>(kRows, to - row));
        for (int r = 0; r < count; ++r) {
          int64_t at[2];
          plan_.terms.offsets(row + r, at);
          rows.x[r] = columns(x + at[1], plan_.outputs.step(ReducePlan::kX), n, rows.x_buffers[r]);
          if constexpr (M::kHasOther) {
            rows.o[r] = columns(o + at[0], plan_.outputs.step(ReducePlan::kOther), n, rows.o_buffers[r]);
          }
        }
        if (count == kRows) {
          add_rows<kRows>(rows, n, sums);
          continue;
        }
        for (int r = 0; r < count; ++r) {
          rows.x[0] = rows.x[r];
          if constexpr (M::kHasOther) {
            rows.o[0] = rows.o[r];
          }
          add_rows<1>(rows, n, sums);
        }
      }
      for (int64_t c = 0; c < n; ++c) {
        totals[c] = R::combine(totals[c], double(sums[c]));
      }
    }
  }

  void run_outer() const {
    const int64_t count = plan_.outputs.count;
    const int64_t width = plan_.outputs.run();
    const int64_t tiles = chunk_count(width, kBlock);
    const int64_t tasks = plan_.chunks * tiles * (count / std::max<int64_t>(width, 1));
    const int64_t per_task = std::clamp<int64_t>(plan_.terms.count, 1, plan_.chunk) * std::min(width, kBlock);
    parallel_for(tasks, std::max<int64_t>(1, kTaskGrain / per_task), [&](int64_t first, int64_t last) {
      for (int64_t task = first; task < last; ++task) {
        const int64_t chunk = task % plan_.chunks;
        const int64_t tile = task / plan_.chunks % tiles;
        const int64_t output = task / plan_.chunks / tiles * width + tile * kBlock;
        const int64_t n = std::min(kBlock, width - tile * kBlock);
        int64_t at[3];
        plan_.outputs.offsets(output, at);
        double totals[kBlock];
        reduce_columns(chunk * plan_.chunk, std::min(plan_.terms.count, (chunk + 1) * plan_.chunk), n,
                       x_ + at[ReducePlan::kX], other_ + at[ReducePlan::kOther], totals);
        if (plan_.chunks > 1) {
          std::copy_n(totals, n, partials_ + chunk * count + output);
          continue;
        }
        for (int64_t c = 0; c < n; ++c) {
          finish(at[ReducePlan::kY] + c * plan_.outputs.step(ReducePlan::kY), totals[c]);
        }
      }
    });
  }

  ReducePlan plan_;
  const T* x_;
  const Other* other_;
  double* partials_;
  const ReduceArgs& args_;
};

}  // namespace

void reduce(const ReduceArgs& args) {
  visit_floating(args.x.dtype, "reduce", [&]<class T>() {
    visit_reduction(args.reduction, [&]<class R, class M>() { Reducer<R, M, T>(args).run(); });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(reduce, ReduceArgs)
