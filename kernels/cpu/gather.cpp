// Element by element along an axis: gather, its transpose scatter_add, and one_hot; the check of indices for all of
// them.

#include "kernels/gather.h"

#include <algorithm>
#include <atomic>
#include <functional>

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/scalar.h"
#include "kernels/words.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

constexpr int64_t kGrain = 32768;  // elements

/// Whether any of n indices lies outside [0, size).
bool is_any_outside(const int64_t* index, int64_t n, int64_t size) {
  const auto last = uint64_t(size - 1);
  uint64_t signs = 0;
  for (int64_t i = 0; i < n; ++i) {
    signs |= uint64_t(index[i]) | (last - uint64_t(index[i]));  // negative: below 0 or above the last
  }
  return int64_t(signs) < 0;
}

/// Asks for a row that will be read here and there.
template <class W>
void prefetch_row(const W* x, int64_t size) {
  constexpr int64_t kLine = 64 / sizeof(W);
  constexpr int64_t kMost = 64;  // lines: more would push the row before it out of the first-level cache
  for (int64_t i = 0; i < std::min(size, kMost * kLine); i += kLine) {
    __builtin_prefetch(x + i);
  }
}

/// Of one outer position: `lines` lines of `inner` elements.
template <class W>
void gather_run(const W* x, const int64_t* index, W* y, int64_t inner, int64_t lines) {
  if (inner == 1) {
    for (int64_t j = 0; j < lines; ++j) {
      y[j] = x[index[j]];
    }
    return;
  }
  for (int64_t j = 0; j < lines; ++j) {
    for (int64_t i = 0; i < inner; ++i) {
      y[j * inner + i] = x[index[j * inner + i] * inner + i];
    }
  }
}

template <class W>
void gather_lines(const GatherArgs& args) {
  const int64_t size = args.x.size(1);
  const int64_t count = args.y.size(1);
  const int64_t inner = args.y.size(2);
  parallel_for(args.y.size(0) * count, std::max<int64_t>(1, kGrain / inner), [&](int64_t begin, int64_t end) {
    const int64_t* index = args.index.as<int64_t>() + begin * inner;
    W* y = args.y.as<W>() + begin * inner;
    int64_t outer = begin / count;
    for (int64_t line = begin; line < end;) {
      const W* const x = args.x.as<W>() + outer * size * inner;
      const int64_t lines = std::min(end, ++outer * count) - line;
      if (args.any_outside != nullptr && is_any_outside(index, lines * inner, size)) {
        std::atomic_ref(*args.any_outside).store(true, std::memory_order_relaxed);
        return;
      }
      if (inner == 1 && line + lines < end) {
        prefetch_row(x + size, size);
      }
      gather_run(x, index, y, inner, lines);
      index += lines * inner;
      y += lines * inner;
      line += lines;
    }
  });
}

/// The lanes [first, first + lanes) of all j, added in the order of j.
template <class T>
void scatter_lanes(const T* src, const int64_t* index, ComputeType<T>* y, int64_t count, int64_t inner, int64_t first,
                   int64_t lanes) {
  if (inner == 1) {
    for (int64_t j = 0; j < count; ++j) {
      y[index[j]] += widen(src[j]);
    }
    return;
  }
  for (int64_t j = 0; j < count; ++j) {
    for (int64_t i = first; i < first + lanes; ++i) {
      y[index[j * inner + i] * inner + i] += widen(src[j * inner + i]);
    }
  }
}

}  // namespace

void check_indices(const CheckIndicesArgs& args) {
  *args.any_outside = parallel_reduce(
      args.index.numel(), kGrain, false,
      [&](int64_t begin, int64_t end) {
        return is_any_outside(args.index.as<int64_t>() + begin, end - begin, args.size);
      },
      std::logical_or<>());
}

void gather(const GatherArgs& args) {
  if (args.y.numel() > 0) {
    visit_words(args.y.dtype, [&]<class W>() { gather_lines<W>(args); });
  }
}

// Lanes (o, i) touch separate elements of y, so they divide among threads.
void scatter_add(const ScatterAddArgs& args) {
  constexpr int64_t kLanes = 512;
  const int64_t count = args.src.size(1);
  const int64_t inner = args.src.size(2);
  const int64_t size = args.y.size(1);
  const int64_t parts = chunk_count(inner, kLanes);
  const int64_t part_elements = std::max<int64_t>(count * std::min(inner, kLanes), 1);
  visit_floating(args.src.dtype, "scatter_add", [&]<class T>() {
    parallel_for(
        args.src.size(0) * parts, std::max<int64_t>(1, kGrain / part_elements), [&](int64_t begin, int64_t end) {
          for (int64_t part = begin; part < end; ++part) {
            const int64_t outer = part / parts;
            const int64_t first = part % parts * kLanes;
            scatter_lanes(args.src.as<T>() + outer * count * inner, args.index.as<int64_t>() + outer * count * inner,
                          args.y.as<ComputeType<T>>() + outer * size * inner, count, inner, first,
                          std::min(kLanes, inner - first));
          }
        });
  });
}

void one_hot(const OneHotArgs& args) {
  const int64_t classes = args.y.size(1);
  visit_any(args.y.dtype, [&]<class T>() {
    parallel_for(args.y.size(0), std::max<int64_t>(1, kGrain / std::max<int64_t>(classes, 1)),
                 [&](int64_t begin, int64_t end) {
                   T* const y = args.y.as<T>();
                   std::fill(y + begin * classes, y + end * classes, convert<T>(0.0F));
                   for (int64_t k = begin; k < end; ++k) {
                     y[k * classes + args.index.as<int64_t>()[k]] = convert<T>(1.0F);
                   }
                 });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(check_indices, CheckIndicesArgs)
LV_CPU_KERNEL(gather, GatherArgs)
LV_CPU_KERNEL(scatter_add, ScatterAddArgs)
LV_CPU_KERNEL(one_hot, OneHotArgs)
