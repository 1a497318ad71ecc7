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
  static constexpr int64_t kTile = 2048;  // columns
  static constexpr int64_t kFlush = 128;  // rows after which sums of ComputeType move on to double

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

  /// The terms of a contiguous piece; `o` belongs to `other` and is contiguous too, or one value for all.
  template <bool kIsRepeated = false>
  static double reduce_piece(int64_t n, const T* x, const Other* o) {
    constexpr int64_t kPiece = 4096;
    double total = R::kIdentity;
    for (int64_t begin = 0; begin < n; begin += kPiece) {
      const auto term = [&](int64_t i, auto lanes) {
        if constexpr (M::kHasOther && kIsRepeated) {
          return M::term(lanes.load(x + begin + i), V(C(*o)));
        } else if constexpr (M::kHasOther) {
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
    } else if (simd::any(isnan(v))) {
      return std::numeric_limits<C>::quiet_NaN();
    } else if constexpr (std::is_same_v<R, cell::MaxOf>) {
      return simd::detail::fold_halves<C, simd::kVectorBytes>(v.native, [](auto a, auto b) { return a > b ? a : b; });
    } else {
      return simd::detail::fold_halves<C, simd::kVectorBytes>(v.native, [](auto a, auto b) { return a < b ? a : b; });
    }
  }

  /// Whether terms are neighbours in x and those of `other` are too, or one value for the whole run.
  [[nodiscard]] bool has_neighbouring_terms() const {
    return plan_.terms.step(1) == 1 && (!M::kHasOther || plan_.terms.step(0) == 1 || plan_.terms.step(0) == 0);
  }

  /// Terms begin .. begin + n of one run that starts at x and o.
  double reduce_run(int64_t n, const T* x, const Other* o) const {
    if (has_neighbouring_terms()) {
      return M::kHasOther && plan_.terms.step(0) == 0 ? reduce_piece<true>(n, x, o) : reduce_piece(n, x, o);
    }
    BlockBuffer<T> x_buffer;
    BlockBuffer<Other> o_buffer;
    RunReader<T> x_run(x_buffer, x, plan_.terms.step(1), n);
    RunReader<Other> o_run(o_buffer, o, plan_.terms.step(0), M::kHasOther ? n : 0);
    double total = R::kIdentity;
    for (int64_t begin = 0; begin < n; begin += kBlock) {
      const int64_t count = std::min(kBlock, n - begin);
      total = R::combine(total, reduce_piece(count, x_run.block(begin, count), o_run.block(begin, count)));
    }
    return total;
  }

  double reduce_terms(int64_t begin, int64_t end, const T* x, const Other* o) const {
    const int64_t length = plan_.terms.run();
    if (begin == 0 && end == length) {
      return reduce_run(length, x, o);
    }
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

  /// Rows of neighbouring terms, each short enough to be one piece of work: no walk over the terms is needed.
  void run_rows() const {
    const int64_t terms = plan_.terms.count;
    parallel_for(plan_.outputs.count, std::max<int64_t>(1, kTaskGrain / 2 / terms), [&](int64_t first, int64_t last) {
      for (int64_t output = first; output < last; ++output) {
        int64_t at[3];
        plan_.outputs.offsets(output, at);
        finish(at[ReducePlan::kY], reduce_run(terms, x_ + at[ReducePlan::kX], other_ + at[ReducePlan::kOther]));
      }
    });
  }

  void run_inner() const {
    const int64_t count = plan_.outputs.count;
    const int64_t terms = plan_.terms.count;
    if (plan_.terms.rank == 1 && plan_.chunks == 1 && terms > 0 && has_neighbouring_terms()) {
      run_rows();
      return;
    }
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

  /// Rows that lie `x_step` (and for the second array `o_step`) apart.
  struct Rows {
    const T* x;
    const Other* o;
    int64_t x_step;
    int64_t o_step;
    int64_t count;
  };

  /// sums[c .. c + kVectors * kLanes) gain the terms of all rows.
  template <int kVectors, class Lanes>
  static void add_rows(const Rows& rows, int64_t c, C* sums, Lanes lanes) {
    V totals[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      totals[v] = lanes.load(sums + c + v * V::kLanes);
    }
    const T* x = rows.x + c;
    const Other* o = M::kHasOther ? rows.o + c : rows.o;
    for (int64_t row = 0; row < rows.count; ++row, x += rows.x_step, o += rows.o_step) {
      for (int v = 0; v < kVectors; ++v) {
        const V other = M::kHasOther ? lanes.load(o + v * V::kLanes) : V(C(0));
        totals[v] = R::combine(totals[v], M::term(lanes.load(x + v * V::kLanes), other));
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      lanes.store(sums + c + v * V::kLanes, totals[v]);
    }
  }

  static void add_all_columns(const Rows& rows, int64_t n, C* sums) {
    constexpr int64_t kGroup = 4 * V::kLanes;
    int64_t c = 0;
    for (; c + kGroup <= n; c += kGroup) {
      add_rows<4>(rows, c, sums, simd::WholeVector{});
    }
    for (; c + V::kLanes <= n; c += V::kLanes) {
      add_rows<1>(rows, c, sums, simd::WholeVector{});
    }
    if (c < n) {
      add_rows<1>(rows, c, sums, simd::PartVector{n - c});
    }
  }

  /// As add_all_columns for columns that are not neighbours in memory: row by row through buffers.
  void add_scattered_columns(const Rows& rows, int64_t n, C* sums) const {
    BlockBuffer<T> x_buffer;
    BlockBuffer<Other> o_buffer;
    for (int64_t row = 0; row < rows.count; ++row) {
      RunReader<T> x(x_buffer, rows.x + row * rows.x_step, plan_.outputs.step(ReducePlan::kX), n);
      RunReader<Other> o(o_buffer, M::kHasOther ? rows.o + row * rows.o_step : &kNone,
                         plan_.outputs.step(ReducePlan::kOther), n);
      add_all_columns({x.block(0, n), o.block(0, n), 0, 0, 1}, n, sums);
    }
  }

  [[nodiscard]] bool has_neighbouring_columns() const {
    return plan_.outputs.step(ReducePlan::kX) == 1 && (!M::kHasOther || plan_.outputs.step(ReducePlan::kOther) == 1);
  }

  /// Rows begin .. end of n columns that start at x and o.
  void reduce_columns(int64_t begin, int64_t end, int64_t n, const T* x, const Other* o, double* totals) const {
    // Few columns keep their sums in registers for long; many go on together, so that memory is read in order.
    const int64_t at_once = n <= 8 * V::kLanes ? kFlush : 8;
    C sums[kTile];
    std::fill_n(totals, n, R::kIdentity);
    int64_t unflushed = 0;
    std::fill_n(sums, n, C(R::kIdentity));
    while (begin < end) {
      int64_t at[2];
      plan_.terms.offsets(begin, at);
      const int64_t count = std::min({at_once, end - begin, plan_.terms.run() - begin % plan_.terms.run()});
      const Rows rows{x + at[1], o + at[0], plan_.terms.step(1), plan_.terms.step(0), count};
      if (has_neighbouring_columns()) {
        add_all_columns(rows, n, sums);
      } else {
        add_scattered_columns(rows, n, sums);
      }
      begin += count;
      unflushed += count;
      if (unflushed >= kFlush || begin == end) {
        for (int64_t c = 0; c < n; ++c) {
          totals[c] = R::combine(totals[c], double(sums[c]));
        }
        std::fill_n(sums, n, C(R::kIdentity));
        unflushed = 0;
      }
    }
  }

  void run_outer() const {
    const int64_t count = plan_.outputs.count;
    const int64_t width = plan_.outputs.run();
    const int64_t tile_size = has_neighbouring_columns() ? kTile : kBlock;
    const int64_t tiles = chunk_count(width, tile_size);
    const int64_t tasks = plan_.chunks * tiles * (count / std::max<int64_t>(width, 1));
    const int64_t per_task = std::clamp<int64_t>(plan_.terms.count, 1, plan_.chunk) * std::min(width, tile_size);
    parallel_for(tasks, std::max<int64_t>(1, kTaskGrain / per_task), [&](int64_t first, int64_t last) {
      for (int64_t task = first; task < last; ++task) {
        const int64_t chunk = task % plan_.chunks;
        const int64_t tile = task / plan_.chunks % tiles;
        const int64_t output = task / plan_.chunks / tiles * width + tile * tile_size;
        const int64_t n = std::min(tile_size, width - tile * tile_size);
        int64_t at[3];
        plan_.outputs.offsets(output, at);
        double totals[kTile];
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
