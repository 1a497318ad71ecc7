#include "kernels/scan.h"

#include "kernels/cpu/blocks.h"
#include "kernels/cpu/isa.h"
#include "kernels/scalar.h"
#include "kernels/simd/vec.h"

// The lines along the axis are walked in groups of neighbours: step by step along the axis, all lines of a group
// together, so that memory is read in order and the inner loop is free of dependencies. A line whose elements are
// themselves neighbours is walked alone.

namespace lv::kernels::cpu::LV_ISA {

namespace {

constexpr int64_t kGroup = 256;  // lines

/// Lines along `axis` of an array of `shape`: a walk over their first elements.
template <int N>
StridedLoop<N> plan_lines(Shape shape, int axis, const std::array<Strides, N>& strides) {
  shape[axis] = 1;
  return plan_strided<N>(shape, strides);
}

/// Calls fn(at, count) for groups of lines, in parallel: `at` are the offsets of the first line, later ones lie
/// loop.step(k) apart.
template <int N, class Fn>
void for_each_group(const StridedLoop<N>& lines, int64_t length, Fn fn) {
  if (lines.count == 0) {
    return;
  }
  const int64_t width = lines.run();
  const int64_t groups = chunk_count(width, kGroup);
  const int64_t grain = std::max<int64_t>(1, kElementGrain / std::max<int64_t>(1, length * std::min(width, kGroup)));
  parallel_for(lines.count / width * groups, grain, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      const int64_t first = group % groups * kGroup;
      int64_t at[N];
      lines.offsets(group / groups * width + first, at);
      fn(at, std::min(kGroup, width - first));
    }
  });
}

/// The place of the best of n neighbouring elements: each lane searches its own, then the lanes compete.
template <class T>
int64_t search_line(const T* x, int64_t n, bool is_largest) {
  using C = simd::Lane<T>;
  using V = simd::Vec<C>;
  using Places = simd::Vec<simd::IntOf<C>>;
  using Place = typename Places::Element;
  LV_CHECK(n <= std::numeric_limits<Place>::max(), "arg_reduce: a line of {} elements is too long", n);
  int64_t best_place = 0;
  C best = widen(x[0]);
  int64_t i = 0;
  if (n >= 2 * V::kLanes) {
    V values = simd::load(x);
    Places places = Place(0);  // of the vector, not of the lane in it
    for (i = V::kLanes; i + V::kLanes <= n; i += V::kLanes) {
      const V v = simd::load(x + i);
      const auto is_ordered = values == values;
      const auto is_better = is_ordered & ((v != v) | (is_largest ? v > values : v < values));
      values = select(is_better, v, values);
      places = select(is_better, Places(Place(i)), places);
    }
    best = values[0];
    best_place = places[0];
    for (int lane = 1; lane < V::kLanes; ++lane) {
      const int64_t place = places[lane] + lane;
      const bool is_tie = !replaces_best(best, values[lane], is_largest);
      if (replaces_best(values[lane], best, is_largest) || (is_tie && place < best_place)) {
        best = values[lane];
        best_place = place;
      }
    }
  }
  for (; i < n; ++i) {
    if (const C value = widen(x[i]); replaces_best(value, best, is_largest)) {
      best = value;
      best_place = i;
    }
  }
  return best_place;
}

}  // namespace

void arg_reduce(const ArgReduceArgs& args) {
  const int64_t length = args.x.shape[args.axis];
  const int64_t step = args.x.strides[args.axis];
  const auto lines = plan_lines<2>(args.x.shape, args.axis, {args.index.strides, args.x.strides});
  visit_floating(args.x.dtype, "arg_reduce", [&]<class T>() {
    for_each_group(lines, length, [&](const int64_t(&at)[2], int64_t count) {
      const T* x = args.x.as<T>() + at[1];
      int64_t* index = args.index.as<int64_t>() + at[0];
      if (step == 1) {
        for (int64_t line = 0; line < count; ++line) {
          index[line * lines.step(0)] = search_line(x + line * lines.step(1), length, args.is_largest);
        }
        return;
      }
      ComputeType<T> best[kGroup];
      int64_t place[kGroup] = {};
      for (int64_t line = 0; line < count; ++line) {
        best[line] = widen(x[line * lines.step(1)]);
      }
      for (int64_t i = 1; i < length; ++i) {
        for (int64_t line = 0; line < count; ++line) {
          const auto value = widen(x[i * step + line * lines.step(1)]);
          const bool is_better = replaces_best(value, best[line], args.is_largest);
          best[line] = is_better ? value : best[line];
          place[line] = is_better ? i : place[line];
        }
      }
      for (int64_t line = 0; line < count; ++line) {
        index[line * lines.step(0)] = place[line];
      }
    });
  });
}

void cumsum(const CumsumArgs& args) {
  const int64_t length = args.x.shape[args.axis];
  const int64_t x_step = args.x.strides[args.axis];
  const int64_t y_step = args.y.strides[args.axis];
  const auto lines = plan_lines<2>(args.x.shape, args.axis, {args.y.strides, args.x.strides});
  visit_floating(args.x.dtype, "cumsum", [&]<class T>() {
    for_each_group(lines, length, [&](const int64_t(&at)[2], int64_t count) {
      double sums[kGroup] = {};
      const auto visit = [&](int64_t i, int64_t line) {
        const int64_t place = args.is_reverse ? length - 1 - i : i;
        sums[line] += double(widen(args.x.as<T>()[at[1] + place * x_step + line * lines.step(1)]));
        args.y.as<T>()[at[0] + place * y_step + line * lines.step(0)] = convert<T>(ComputeType<T>(sums[line]));
      };
      if (x_step < lines.step(1)) {
        for (int64_t line = 0; line < count; ++line) {
          for (int64_t i = 0; i < length; ++i) {
            visit(i, line);
          }
        }
      } else {
        for (int64_t i = 0; i < length; ++i) {
          for (int64_t line = 0; line < count; ++line) {
            visit(i, line);
          }
        }
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(arg_reduce, ArgReduceArgs)
LV_CPU_KERNEL(cumsum, CumsumArgs)
