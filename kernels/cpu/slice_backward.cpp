#include "kernels/slice_backward.h"

#include <algorithm>

#include "core/parallel.h"
#include "kernels/cpu/copy_bytes.h"
#include "kernels/cpu/isa.h"
#include "kernels/words.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

constexpr int64_t kWordGrain = 32768;

/// Of the words [from, from + n) of one row of dx: zeros, the row of grad at [begin, begin + length), zeros.
template <class W>
void write_row_part(W* dx, const W* grad_row, int64_t from, int64_t n, int64_t begin, int64_t length) {
  const int64_t copy_from = std::clamp(begin - from, int64_t{0}, n);
  const int64_t copy_to = std::clamp(begin + length - from, copy_from, n);
  constexpr auto kWord = int64_t(sizeof(W));
  clear_bytes(dx, copy_from * kWord);
  if (copy_to > copy_from) {
    copy_bytes(dx + copy_from, grad_row + (from + copy_from - begin), (copy_to - copy_from) * kWord);
  }
  clear_bytes(dx + copy_to, (n - copy_to) * kWord);
}

/// `count` rows of `n` words: zeros, the row of grad at [begin, begin + length), zeros.
template <class W>
void write_whole_rows(W* dx, const W* grad, int64_t count, int64_t n, int64_t begin, int64_t length) {
  constexpr auto kWord = int64_t(sizeof(W));
  const int64_t end = begin + length;
  for (int64_t i = 0; i < count; ++i, dx += n, grad += length) {
    clear_bytes(dx, begin * kWord);
    copy_bytes(dx + begin, grad, length * kWord);
    clear_bytes(dx + end, (n - end) * kWord);
  }
}

/// step = 1: a slice of a row [size, inner] is one run of words.
template <class W>
void write_runs(const SliceBackwardArgs& args) {
  const int64_t inner = args.dx.size(2);
  const int64_t row = args.dx.size(1) * inner;
  const int64_t length = args.grad.size(1) * inner;
  const int64_t begin = args.begin * inner;
  W* const dx = args.dx.as<W>();
  const W* const grad = args.grad.as<W>();
  const int64_t part = std::min(row, kWordGrain);
  const int64_t parts = chunk_count(row, part);
  parallel_for(args.dx.size(0) * parts, kWordGrain / part, [&](int64_t first, int64_t last) {
    if (parts == 1) {
      write_whole_rows(dx + first * row, grad + first * length, last - first, row, begin, length);
      return;
    }
    for (int64_t i = first; i < last; ++i) {
      const int64_t outer = i / parts;
      const int64_t at = i % parts * part;
      write_row_part(dx + outer * row + at, grad + outer * length, at, std::min(part, row - at), begin, length);
    }
  });
}

template <class W>
void write_lines(const SliceBackwardArgs& args) {
  const int64_t inner = args.dx.size(2);
  const int64_t size = args.dx.size(1);
  const int64_t count = args.grad.size(1);
  parallel_for(args.dx.size(0) * size, std::max<int64_t>(1, kWordGrain / inner), [&](int64_t from, int64_t to) {
    for (int64_t line = from; line < to; ++line) {
      const int64_t offset = line % size - args.begin;
      const bool is_chosen = offset >= 0 && offset % args.step == 0 && offset / args.step < count;
      W* const dx = args.dx.as<W>() + line * inner;
      if (is_chosen) {
        const W* const grad = args.grad.as<W>() + (line / size * count + offset / args.step) * inner;
        copy_bytes(dx, grad, inner * int64_t(sizeof(W)));
      } else {
        clear_bytes(dx, inner * int64_t(sizeof(W)));
      }
    }
  });
}

}  // namespace

void slice_backward(const SliceBackwardArgs& args) {
  if (args.dx.numel() == 0) {
    return;
  }
  visit_words(args.dx.dtype, [&]<class W>() {
    if (args.step == 1) {
      write_runs<W>(args);
    } else {
      write_lines<W>(args);
    }
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(slice_backward, SliceBackwardArgs)
