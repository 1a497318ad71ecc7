#include "kernels/scan.h"

#include "kernels/cpu/blocks.h"
#include "kernels/cpu/isa.h"
#include "kernels/scalar.h"
#include "kernels/simd/loop.h"

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

/// 0, 1, 2, ...
template <class P>
P lane_numbers() {
  return []<int... kLane>(std::integer_sequence<int, kLane...>) {
    return P(typename P::Native{kLane...});
  }(std::make_integer_sequence<int, P::kLanes>{});
}

/// The place of the first of the largest of n neighbouring elements, or with `sign` -1 of the smallest: each lane
/// searches its own, then the lanes compete.
template <class T>
int64_t search_line(const T* x, int64_t n, simd::Lane<T> sign) {
  using C = simd::Lane<T>;
  using V = simd::Vec<C>;
  using Places = simd::Vec<simd::IntOf<C>>;
  using Place = typename Places::Element;
  constexpr Place kNoPlace = std::numeric_limits<Place>::max();
  LV_CHECK(n <= kNoPlace, "arg_reduce: a line of {} elements is too long", n);
  constexpr C kLowest = -std::numeric_limits<C>::infinity();
  V best = kLowest;
  Places places = Place(0);  // of the vector, not of the lane in it
  simd::for_each_vec<T>(n, [&](int64_t i, auto lanes) {
    const V v = lanes.keep(lanes.load(x + i) * V(sign), kLowest);
    const auto is_better = (best == best) & ((v != v) | (v > best));
    best = select(is_better, v, best);
    places = select(is_better, Places(Place(i)), places);
  });
  const auto is_nan = best != best;
  const auto is_winner = any(is_nan) ? is_nan : best == V(max(best));
  return min(select(is_winner, places + lane_numbers<Places>(), Places(kNoPlace)));
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
        const simd::Lane<T> sign = args.is_largest ? 1 : -1;
        for (int64_t line = 0; line < count; ++line) {
          index[line * lines.step(0)] = search_line(x + line * lines.step(1), length, sign);
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
