#include "kernels/unit_lines.h"

#include "core/parallel.h"
#include "kernels/cpu/channel_norm.h"
#include "kernels/cpu/isa.h"
#include "kernels/simd/stream.h"
#include "kernels/unit_lines.cell.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

// Contiguous lines walked together: independent chains of operations, so that the sums across lanes overlap.
constexpr int kLineBlock = 4;

/// Lines of a row-major [outer, n, inner].
struct Lines {
  int64_t outer;
  int64_t n;
  int64_t inner;

  explicit Lines(const ConstTensorRef& x) : outer(x.size(0)), n(x.size(1)), inner(x.size(2)) {}

  /// Calls fn(begin, end) for runs of outer indices, in parallel.
  template <class Fn>
  void for_each_run(Fn&& fn) const {
    const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(n * inner, 1));
    parallel_for(outer, (grain + kLineBlock - 1) / kLineBlock * kLineBlock, fn);
  }
  /// Calls fn(outer index) in parallel.
  template <class Fn>
  void for_each_outer(Fn&& fn) const {
    for_each_run([&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        fn(o);
      }
    });
  }
  /// Calls fn(count, line) for blocks of contiguous lines (inner = 1), in parallel; `count` is an integral constant.
  template <class Fn>
  void for_each_block(Fn&& fn) const {
    for_each_run([&](int64_t begin, int64_t end) {
      for_each_row_block<kLineBlock>(end - begin, [&](auto count, int64_t line) { fn(count, begin + line); });
    });
  }

  /// sums[r] = the sum of fn(lanes, offset) along the contiguous line first + r.
  template <int kCount, class T, class Fn>
  void sum_lines(int64_t first, Accumulator<T> (&sums)[kCount], Fn&& fn) const {
    simd::Vec<Accumulator<T>> total[kCount] = {};
    simd::for_each_vec<T>(n, [&](int64_t i, auto lanes) {
      for (int r = 0; r < kCount; ++r) {
        total[r] += fn(lanes, (first + r) * n + i);
      }
    });
    for (int r = 0; r < kCount; ++r) {
      sums[r] = simd::sum(total[r]);
    }
  }
  /// sum over k of fn(lanes, offset) for the lines from `first` on that `lanes` covers; lines side by side.
  template <class V, class Lanes, class Fn>
  V sum_columns(int64_t first, Lanes lanes, Fn&& fn) const {
    V total(0);
    for (int64_t k = 0; k < n; ++k) {
      total += fn(lanes, first + k * inner);
    }
    return total;
  }
};

struct ScalarSelect {
  template <class A>
  A operator()(bool condition, A a, A b) const {
    return condition ? a : b;
  }
};
struct VectorSelect {
  template <class M, class V>
  V operator()(M mask, V a, V b) const {
    return select(mask, a, b);
  }
};

/// The arguments of unit_lines, typed.
template <class T>
struct UnitLines {
  using A = Accumulator<T>;
  using V = simd::Vec<A>;
  Lines lines;
  const T* x;
  const A* gain;
  A eps;
  T* y;
  A* norm;

  explicit UnitLines(const UnitLinesArgs& args)
      : lines(args.x),
        x(args.x.as<T>()),
        gain(args.gain.as<A>()),
        eps(args.eps),
        y(args.y.as<T>()),
        norm(args.norm.as<A>()) {}

  template <int kCount>
  void along(int64_t line) const {
    A scale[kCount];
    lines.sum_lines<kCount, T>(line, scale, [this](auto lanes, int64_t at) {
      simd::prefetch_after(x + at);
      const V value = lanes.load(x + at);
      return value * value;
    });
    for (int r = 0; r < kCount; ++r) {
      norm[line + r] = std::sqrt(scale[r]);
      scale[r] = (gain != nullptr ? gain[line + r] : A(1)) / std::max(norm[line + r], eps);
    }
    for (int r = 0; r < kCount; ++r) {
      const int64_t first = (line + r) * lines.n;
      simd::map(lines.n, y + first, [factor = V(scale[r])](V value) { return value * factor; }, x + first);
    }
  }

  void across(int64_t o) const {
    const int64_t base = o * lines.n * lines.inner;
    simd::for_each_vec<T>(lines.inner, [&](int64_t i, auto lanes) {
      const V length = sqrt(lines.sum_columns<V>(base + i, lanes, [this](auto l, int64_t at) {
        const V value = l.load(x + at);
        return value * value;
      }));
      const int64_t line = o * lines.inner + i;
      lanes.store(norm + line, length);
      const V scale = (gain != nullptr ? lanes.load(gain + line) : V(A(1))) / max(length, V(eps));
      for (int64_t at = base + i; at < base + lines.n * lines.inner; at += lines.inner) {
        lanes.store(y + at, lanes.load(x + at) * scale);
      }
    });
  }
};

template <class T>
struct UnitLinesGrad {
  using A = Accumulator<T>;
  using V = simd::Vec<A>;
  Lines lines;
  const T* grad_y;
  const T* x;
  const A* gain;
  const A* norm;
  A eps;
  T* grad_x;
  A* grad_gain;

  explicit UnitLinesGrad(const UnitLinesGradArgs& args)
      : lines(args.x),
        grad_y(args.grad_y.as<T>()),
        x(args.x.as<T>()),
        gain(args.gain.as<A>()),
        norm(args.norm.as<A>()),
        eps(args.eps),
        grad_x(args.grad_x.as<T>()),
        grad_gain(args.grad_gain.as<A>()) {}

  template <int kCount>
  void along(int64_t line) const {
    A dot[kCount];
    lines.sum_lines<kCount, T>(line, dot, [this](auto lanes, int64_t at) {
      simd::prefetch_after(x + at);
      simd::prefetch_after(grad_y + at);
      return lanes.load(x + at) * lanes.load(grad_y + at);
    });
    for (int r = 0; r < kCount; ++r) {
      const A factor = gain != nullptr ? gain[line + r] : A(1);
      const auto slopes = unit_line_slopes(dot[r], norm[line + r], factor, eps, ScalarSelect{});
      if (grad_gain != nullptr) {
        grad_gain[line + r] = slopes.grad_gain;
      }
      if (grad_x != nullptr) {
        const V scale(slopes.scale);
        const V slope(slopes.slope);
        const int64_t first = (line + r) * lines.n;
        simd::map(
            lines.n, grad_x + first, [&](V g, V value) { return fma(value, slope, g * scale); }, grad_y + first,
            x + first);
      }
    }
  }

  void across(int64_t o) const {
    const int64_t base = o * lines.n * lines.inner;
    simd::for_each_vec<T>(lines.inner, [&](int64_t i, auto lanes) {
      const int64_t line = o * lines.inner + i;
      const V dot = lines.sum_columns<V>(base + i, lanes,
                                         [this](auto l, int64_t at) { return l.load(x + at) * l.load(grad_y + at); });
      const V factor = gain != nullptr ? lanes.load(gain + line) : V(A(1));
      const auto slopes = unit_line_slopes(dot, lanes.load(norm + line), factor, V(eps), VectorSelect{});
      if (grad_gain != nullptr) {
        lanes.store(grad_gain + line, slopes.grad_gain);
      }
      if (grad_x != nullptr) {
        for (int64_t at = base + i; at < base + lines.n * lines.inner; at += lines.inner) {
          lanes.store(grad_x + at, fma(lanes.load(x + at), slopes.slope, lanes.load(grad_y + at) * slopes.scale));
        }
      }
    });
  }
};

/// Runs a kernel on all its lines.
template <class Kernel>
void run_lines(const Kernel& kernel) {
  if (kernel.lines.inner == 1) {
    kernel.lines.for_each_block([&](auto count, int64_t line) { kernel.template along<count.value>(line); });
  } else {
    kernel.lines.for_each_outer([&](int64_t o) { kernel.across(o); });
  }
}

}  // namespace

void unit_lines(const UnitLinesArgs& args) {
  visit_floating(args.x.dtype, "unit_lines", [&]<class T>() { run_lines(UnitLines<T>(args)); });
}

void unit_lines_grad(const UnitLinesGradArgs& args) {
  visit_floating(args.x.dtype, "unit_lines_grad", [&]<class T>() { run_lines(UnitLinesGrad<T>(args)); });
}

namespace {

template <class T>
struct CosineSums {
  using V = simd::Vec<Accumulator<T>>;
  V dot{};
  V a{};
  V b{};

  template <class Lanes>
  void add(Lanes lanes, const T* at_a, const T* at_b) {
    const V u = lanes.load(at_a);
    const V v = lanes.load(at_b);
    dot = fma(u, v, dot);
    a = fma(u, u, a);
    b = fma(v, v, b);
  }
};

}  // namespace

void cosine(const CosineArgs& args) {
  visit_floating(args.a.dtype, "cosine", [&]<class T>() {
    using A = Accumulator<T>;
    using V = simd::Vec<A>;
    const Lines lines(args.a);
    const int64_t count = lines.outer * lines.inner;
    const A eps(args.eps);
    T* y = args.y.as<T>();
    A* factors = args.factors.as<A>();
    lines.for_each_outer([&](int64_t o) {
      const T* a = args.a.as<T>() + o * lines.n * lines.inner;
      const T* b = args.b.as<T>() + o * lines.n * lines.inner;
      if (lines.inner == 1) {
        CosineSums<T> sums;
        simd::for_each_vec<T>(lines.n, [&](int64_t i, auto lanes) { sums.add(lanes, a + i, b + i); });
        const A norm_a = std::max(std::sqrt(sum(sums.a)), eps);
        const A norm_b = std::max(std::sqrt(sum(sums.b)), eps);
        factors[o] = sum(sums.dot) / (norm_a * norm_b);
        factors[count + o] = norm_a;
        factors[2 * count + o] = norm_b;
        y[o] = T(factors[o]);
        return;
      }
      simd::for_each_vec<T>(lines.inner, [&](int64_t i, auto lanes) {
        const int64_t line = o * lines.inner + i;
        CosineSums<T> sums;
        for (int64_t at = i; at < lines.n * lines.inner; at += lines.inner) {
          sums.add(lanes, a + at, b + at);
        }
        const V norm_a = max(sqrt(sums.a), V(eps));
        const V norm_b = max(sqrt(sums.b), V(eps));
        const V value = sums.dot / (norm_a * norm_b);
        lanes.store(factors + line, value);
        lanes.store(factors + count + line, norm_a);
        lanes.store(factors + 2 * count + line, norm_b);
        lanes.store(y + line, value);
      });
    });
  });
}

namespace {

/// Gradient of one side. own, other: the side's array and its partner; own_norm, other_norm: [lines].
template <class T, class A>
void cosine_side(const CosineGradArgs& args, const T* own, const T* other, const A* own_norm, const A* other_norm,
                 T* grad) {
  using V = simd::Vec<A>;
  const Lines lines(args.a);
  const A* value = args.factors.as<A>();
  const A eps(args.eps);
  const T* grad_y = args.grad_y.as<T>();
  lines.for_each_outer([&](int64_t o) {
    const int64_t base = o * lines.n * lines.inner;
    if (lines.inner == 1) {
      const auto slopes = cosine_slopes(value[o], own_norm[o], other_norm[o], eps, ScalarSelect{});
      const V cross(A(grad_y[o]) * slopes.cross);
      const V self(-A(grad_y[o]) * slopes.own);
      simd::map(lines.n, grad + base, [&](V u, V v) { return fma(u, self, v * cross); }, own + base, other + base);
      return;
    }
    simd::for_each_vec<T>(lines.inner, [&](int64_t i, auto lanes) {
      const int64_t line = o * lines.inner + i;
      const auto slopes = cosine_slopes(lanes.load(value + line), lanes.load(own_norm + line),
                                        lanes.load(other_norm + line), V(eps), VectorSelect{});
      const V g = lanes.load(grad_y + line);
      for (int64_t at = base + i; at < base + lines.n * lines.inner; at += lines.inner) {
        lanes.store(grad + at, g * (lanes.load(other + at) * slopes.cross - lanes.load(own + at) * slopes.own));
      }
    });
  });
}

}  // namespace

void cosine_grad(const CosineGradArgs& args) {
  visit_floating(args.a.dtype, "cosine_grad", [&]<class T>() {
    using A = Accumulator<T>;
    const int64_t count = args.a.size(0) * args.a.size(2);
    const A* norm_a = args.factors.as<A>() + count;
    const A* norm_b = args.factors.as<A>() + 2 * count;
    if (args.grad_a.defined()) {
      cosine_side<T, A>(args, args.a.as<T>(), args.b.as<T>(), norm_a, norm_b, args.grad_a.as<T>());
    }
    if (args.grad_b.defined()) {
      cosine_side<T, A>(args, args.b.as<T>(), args.a.as<T>(), norm_b, norm_a, args.grad_b.as<T>());
    }
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(unit_lines, UnitLinesArgs)
LV_CPU_KERNEL(unit_lines_grad, UnitLinesGradArgs)
LV_CPU_KERNEL(cosine, CosineArgs)
LV_CPU_KERNEL(cosine_grad, CosineGradArgs)
