#include "kernels/softmax.h"

#include <cmath>

#include "kernels/cpu/exp_sum.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/scratch.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

// Rows walked together: independent chains of operations, so that the reductions across lanes overlap. Long rows go one
// by one, or else the second-level cache would not hold them from one reading to the next.
constexpr int kRowBlock = 4;
constexpr int64_t kLongRow = 8192;
constexpr int64_t kGrain = 32768;

/// Exponentials of rows of 16-bit elements, which would be rounded twice in y.
struct ExponentialTag;

/// Along contiguous rows.
template <class T, bool kIsLog>
struct SoftmaxRows {
  using A = Accumulator<T>;
  using V = simd::Vec<A>;
  static constexpr bool kIsExactInY = std::is_same_v<T, A>;
  Rows<const T> x;
  Rows<T> y;
  int64_t n;

  template <int kRows>
  void run(int64_t row) const {
    if constexpr (kIsLog) {
      run_log<kRows>(row);
    } else if constexpr (kIsExactInY) {
      run_kept<kRows>(row, [this](int64_t at) { return y[at]; });
    } else {
      const int64_t step = chunk_count(n, V::kLanes) * V::kLanes;
      A* kept = thread_scratch<ExponentialTag, A>(size_t(kRows * step));
      run_kept<kRows>(row, [&](int64_t at) { return kept + (at - row) * step; });
    }
  }

 private:
  template <int kRows>
  void run_log(int64_t row) const {
    A top[kRows];
    A sum[kRows];
    exp_sums<kRows>(x, row, n, top, sum, [](auto&&...) {});
    for (int r = 0; r < kRows; ++r) {
      sum[r] = std::log(sum[r]);
    }
    simd::for_each_vec<T>(n, [&](int64_t i, auto lanes) {
      for (int r = 0; r < kRows; ++r) {
        lanes.store(y[row + r] + i, lanes.load(x[row + r] + i) - top[r] - sum[r]);
      }
    });
  }

  /// The exponentials wait in kept_row(row).
  template <int kRows, class KeptRow>
  void run_kept(int64_t row, KeptRow&& kept_row) const {
    A top[kRows];
    A sum[kRows];
    exp_sums<kRows>(x, row, n, top, sum,
                    [&](int r, int64_t i, auto lanes, V e) { lanes.store(kept_row(row + r) + i, e); });
    for (int r = 0; r < kRows; ++r) {
      sum[r] = A(1) / sum[r];
    }
    simd::for_each_vec<T>(n, [&](int64_t i, auto lanes) {
      for (int r = 0; r < kRows; ++r) {
        lanes.store(y[row + r] + i, lanes.load(kept_row(row + r) + i) * sum[r]);
      }
    });
  }
};

template <class T, bool kIsLog>
struct SoftmaxRowsGrad {
  using A = Accumulator<T>;
  using V = simd::Vec<A>;
  Rows<const T> grad_y;
  Rows<const T> y;
  Rows<T> grad_x;
  int64_t n;

  template <int kRows>
  void run(int64_t row) const {
    V total[kRows];
    std::fill_n(total, kRows, V(A(0)));
    simd::for_each_vec<T>(n, [&](int64_t i, auto lanes) {
      for (int r = 0; r < kRows; ++r) {
        // Lanes past the end hold a gradient of 0.
        const V grad = lanes.load(grad_y[row + r] + i);
        simd::prefetch_after(grad_y[row + r] + i);
        total[r] = kIsLog ? total[r] + grad : fma(grad, lanes.load(y[row + r] + i), total[r]);
      }
    });
    A sum[kRows];
    for (int r = 0; r < kRows; ++r) {
      sum[r] = simd::sum(total[r]);
    }
    simd::for_each_vec<T>(n, [&](int64_t i, auto lanes) {
      for (int r = 0; r < kRows; ++r) {
        const V grad = lanes.load(grad_y[row + r] + i);
        const V value = lanes.load(y[row + r] + i);
        lanes.store(grad_x[row + r] + i, kIsLog ? fma(exp(value), V(-sum[r]), grad) : value * (grad - sum[r]));
      }
    });
  }
};

/// Calls fn(first, lanes) for vectors of neighbouring columns of [outer, n, inner], in parallel; `first` is the offset
/// of the first column's first element.
template <class T, class Fn>
void for_each_column_vector(const ConstTensorRef& shaped, Fn&& fn) {
  constexpr int64_t kLanes = simd::Vec<simd::Lane<T>>::kLanes;
  const int64_t n = shaped.size(1);
  const int64_t inner = shaped.size(2);
  const int64_t vectors = chunk_count(inner, kLanes);
  const int64_t grain = std::max<int64_t>(1, kGrain / (n * std::min(inner, kLanes)));
  parallel_for(shaped.size(0) * vectors, grain, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const int64_t column = k % vectors * kLanes;
      const int64_t first = k / vectors * n * inner + column;
      if (column + kLanes <= inner) {
        fn(first, simd::WholeVector{});
      } else {
        fn(first, simd::PartVector{inner - column});
      }
    }
  });
}

/// The largest element of each column, and the sum of exp(x - largest); visit(i, exp) sees the exponentials. Even and
/// odd elements meet at the end only, so that no operation waits for the one before it.
template <class T, class Lanes, class Visit>
auto column_exp_sums(const T* x, int64_t n, int64_t step, Lanes lanes, Visit&& visit) {
  using V = simd::Vec<Accumulator<T>>;
  const auto load = [&](int64_t i) { return lanes.load(x + i * step); };
  V top = load(0);
  V odd_top = top;
  for (int64_t i = 1; i + 1 < n; i += 2) {
    odd_top = fast_max(odd_top, load(i));
    top = fast_max(top, load(i + 1));
  }
  top = fast_max(fast_max(top, odd_top), load(n - 1));
  const auto exp_at = [&](int64_t i) {
    const V e = exp(load(i) - top);
    visit(i, e);
    return e;
  };
  V sum = V(0);
  V odd_sum = V(0);
  int64_t i = 0;
  for (; i + 1 < n; i += 2) {
    sum += exp_at(i);
    odd_sum += exp_at(i + 1);
  }
  if (i < n) {
    sum += exp_at(i);
  }
  return std::pair{top, sum + odd_sum};
}

template <class T, bool kIsLog>
void softmax_columns(const SoftmaxArgs& args) {
  using A = Accumulator<T>;
  using V = simd::Vec<A>;
  const int64_t n = args.x.size(1);
  const int64_t step = args.x.size(2);
  for_each_column_vector<T>(args.x, [&](int64_t first, auto lanes) {
    const T* x = args.x.as<T>() + first;
    T* y = args.y.as<T>() + first;
    if constexpr (kIsLog) {
      const auto [top, sum] = column_exp_sums(x, n, step, lanes, [](auto&&...) {});
      const V offset = log(sum);
      for (int64_t i = 0; i < n; ++i) {
        lanes.store(y + i * step, lanes.load(x + i * step) - top - offset);
      }
    } else {
      V* kept = thread_scratch<ExponentialTag, V>(size_t(n));
      const auto [top, sum] = column_exp_sums(x, n, step, lanes, [&](int64_t i, V e) { kept[i] = e; });
      const V factor = A(1) / sum;
      for (int64_t i = 0; i < n; ++i) {
        lanes.store(y + i * step, kept[i] * factor);
      }
    }
  });
}

template <class T, bool kIsLog>
void softmax_columns_grad(const SoftmaxGradArgs& args) {
  using A = Accumulator<T>;
  using V = simd::Vec<A>;
  const int64_t n = args.y.size(1);
  const int64_t step = args.y.size(2);
  for_each_column_vector<T>(args.y, [&](int64_t first, auto lanes) {
    const T* grad_y = args.grad_y.as<T>() + first;
    const T* y = args.y.as<T>() + first;
    T* grad_x = args.grad_x.as<T>() + first;
    V sum = A(0);
    for (int64_t i = 0; i < n; ++i) {
      const V grad = lanes.load(grad_y + i * step);
      sum = kIsLog ? sum + grad : fma(grad, lanes.load(y + i * step), sum);
    }
    for (int64_t i = 0; i < n; ++i) {
      const V grad = lanes.load(grad_y + i * step);
      const V value = lanes.load(y + i * step);
      lanes.store(grad_x + i * step, kIsLog ? fma(exp(value), -sum, grad) : value * (grad - sum));
    }
  });
}

/// Runs `op` on all rows, in parallel, in blocks.
template <class Op>
void for_all_rows(int64_t rows, const Op& op) {
  const int64_t grain =
      std::max<int64_t>(op.n < kLongRow ? kRowBlock : 1, kGrain / std::max<int64_t>(op.n, 1) / kRowBlock * kRowBlock);
  parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
    const auto run = [&](auto count, int64_t row) { op.template run<count.value>(begin + row); };
    op.n < kLongRow ? for_each_row_block<kRowBlock>(end - begin, run) : for_each_row_block<1>(end - begin, run);
  });
}

template <bool kIsLog>
void run_softmax(const SoftmaxArgs& args) {
  visit_floating(args.x.dtype, "softmax", [&]<class T>() {
    if (args.x.rank() == 3) {
      softmax_columns<T, kIsLog>(args);
    } else {
      const SoftmaxRows<T, kIsLog> op{Rows<const T>(args.x), Rows<T>(args.y), args.x.size(1)};
      for_all_rows(args.x.size(0), op);
    }
  });
}

template <bool kIsLog>
void run_softmax_grad(const SoftmaxGradArgs& args) {
  visit_floating(args.y.dtype, "softmax_grad", [&]<class T>() {
    if (args.y.rank() == 3) {
      softmax_columns_grad<T, kIsLog>(args);
    } else {
      const SoftmaxRowsGrad<T, kIsLog> op{Rows<const T>(args.grad_y), Rows<const T>(args.y), Rows<T>(args.grad_x),
                                          args.y.size(1)};
      for_all_rows(args.y.size(0), op);
    }
  });
}

}  // namespace

void softmax(const SoftmaxArgs& args) {
  if (args.y.numel() > 0) {
    args.is_log ? run_softmax<true>(args) : run_softmax<false>(args);
  }
}

void softmax_grad(const SoftmaxGradArgs& args) {
  if (args.y.numel() > 0) {
    args.is_log ? run_softmax_grad<true>(args) : run_softmax_grad<false>(args);
  }
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(softmax, SoftmaxArgs)
LV_CPU_KERNEL(softmax_grad, SoftmaxGradArgs)
