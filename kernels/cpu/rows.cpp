// Whole rows by index: take_rows and its transpose add_rows.

#include "core/parallel.h"
#include "kernels/cpu/copy_bytes.h"
#include "kernels/cpu/isa.h"
#include "kernels/gather.h"
#include "kernels/simd/loop.h"
#include "kernels/words.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

constexpr int64_t kGrain = 32768;  // elements

/// The rows [begin, end) of one y[o].
template <class W>
void take(const W* x, const int64_t* index, W* y, int64_t inner, int64_t skip, int64_t begin, int64_t end) {
  if (inner == 1) {
    for (int64_t k = begin; k < end; ++k) {
      y[k] = index[k] == skip ? W(0) : x[index[k]];
    }
    return;
  }
  for (int64_t k = begin; k < end; ++k) {
    if (index[k] == skip) {
      clear_bytes(y + k * inner, inner * int64_t(sizeof(W)));
    } else {
      copy_bytes(y + k * inner, x + index[k] * inner, inner * int64_t(sizeof(W)));
    }
  }
}

/// The positions of the rows of one index, in their order.
struct Segment {
  const int64_t* order;  // null: the positions themselves
  int64_t first;
  int64_t count;

  [[nodiscard]] int64_t position(int64_t k) const { return order != nullptr ? order[first + k] : first + k; }
};

template <class T>
void add_segment(const T* src, T* y, int64_t inner, const Segment& segment) {
  simd::for_each_vec<T>(inner, [&](int64_t i, auto lanes) {
    auto sum = lanes.load(src + segment.position(0) * inner + i);
    for (int64_t k = 1; k < segment.count; ++k) {
      sum += lanes.load(src + segment.position(k) * inner + i);
    }
    lanes.store(y + i, lanes.load(y + i) + sum);
  });
}

/// The segments that begin at the places [begin, end) of the order.
template <class T>
void add_segments(const AddRowsArgs& args, int64_t outer, int64_t begin, int64_t end) {
  const int64_t count = args.src.size(1);
  const int64_t inner = args.src.size(2);
  const int64_t* const index = args.index.as<int64_t>();
  const int64_t* const order = args.order.defined() ? args.order.as<int64_t>() : nullptr;
  const auto row_of = [&](int64_t k) { return index[order != nullptr ? order[k] : k]; };
  const T* const src = args.src.as<T>() + outer * count * inner;
  T* const y = args.y.as<T>() + outer * args.y.size(1) * inner;
  for (int64_t first = begin; first < end;) {
    const int64_t row = row_of(first);
    int64_t last = first + 1;
    while (last < count && row_of(last) == row) {
      ++last;
    }
    const bool is_head = first == 0 || row_of(first - 1) != row;  // else it began before `begin`
    if (is_head && row != args.skip) {
      add_segment(src, y + row * inner, inner, {order, first, last - first});
    }
    first = last;
  }
}

}  // namespace

void take_rows(const TakeRowsArgs& args) {
  const int64_t count = args.y.size(1);
  const int64_t inner = args.y.size(2);
  if (args.y.numel() == 0) {
    return;
  }
  visit_words(args.y.dtype, [&]<class W>() {
    parallel_for(args.y.size(0) * count, std::max<int64_t>(1, kGrain / inner), [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end;) {
        const int64_t outer = line / count;
        const int64_t next = std::min(end, (outer + 1) * count);
        take(args.x.as<W>() + outer * args.x.size(1) * inner, args.index.as<int64_t>(),
             args.y.as<W>() + outer * count * inner, inner, args.skip, line - outer * count, next - outer * count);
        line = next;
      }
    });
  });
}

void add_rows(const AddRowsArgs& args) {
  const int64_t count = args.src.size(1);
  const int64_t inner = args.src.size(2);
  if (args.src.numel() == 0) {
    return;
  }
  visit_floating(args.src.dtype, "add_rows", [&]<class T>() {
    parallel_for(args.src.size(0) * count, std::max<int64_t>(1, kGrain / inner), [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end;) {
        const int64_t outer = line / count;
        const int64_t next = std::min(end, (outer + 1) * count);
        add_segments<T>(args, outer, line - outer * count, next - outer * count);
        line = next;
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(take_rows, TakeRowsArgs)
LV_CPU_KERNEL(add_rows, AddRowsArgs)
