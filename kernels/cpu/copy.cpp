#include "kernels/copy.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/copy_bytes.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/strided_rows.h"
#include "kernels/cpu/transpose.h"
#include "kernels/scalar.h"
#include "kernels/words.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

template <class From, class To>
void copy_run(const From* x, int64_t x_step, To* y, int64_t y_step, int64_t n) {
  if (x_step == 1 && y_step == 1) {
    if constexpr (std::is_same_v<From, To>) {
      std::memcpy(y, x, size_t(n) * sizeof(To));
    } else {
      for (int64_t i = 0; i < n; ++i) {
        y[i] = convert<To>(x[i]);
      }
    }
  } else if (x_step == 0 && y_step == 1) {
    std::fill_n(y, n, convert<To>(*x));
  } else if (x_step == -1 && y_step == 1) {
    for (int64_t i = 0; i < n; ++i) {
      y[i] = convert<To>(x[-i]);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) {
      y[i * y_step] = convert<To>(x[i * x_step]);
    }
  }
}

/// Copies rows that are contiguous in x and y.
template <class W>
void copy_rows(const StridedLoop<2>& loop, const W* x, W* y) {
  const int64_t n = loop.sizes[loop.rank - 1];
  StridedLoop<2> rows = loop;
  --rows.rank;
  rows.count /= n;
  const int last = rows.rank - 1;
  const int64_t length = rows.sizes[last];
  parallel_for(rows.count, std::max<int64_t>(1, kElementGrain / n), [&](int64_t begin, int64_t end) {
    while (begin < end) {
      int64_t at[2];
      rows.offsets(begin, at);
      const int64_t count = std::min(end - begin, length - begin % length);
      for (int64_t i = 0; i < count; ++i) {
        copy_bytes(y + at[1] + i * rows.strides[1][last], x + at[0] + i * rows.strides[0][last],
                   n * int64_t(sizeof(W)));
      }
      begin += count;
    }
  });
}

/// The axis that is contiguous in x, when it is another than the innermost one, which is contiguous in y; else -1.
int transposed_axis(const StridedLoop<2>& loop) {
  const int inner = loop.rank - 1;
  if (inner < 1 || loop.strides[1][inner] != 1 || loop.strides[0][inner] == 1) {
    return -1;
  }
  for (int axis = 0; axis < inner; ++axis) {
    if (loop.strides[0][axis] == 1) {
      return axis;
    }
  }
  return -1;
}

/// y[c * y_step + r] = x[r * x_step + c] for all r below rows and c below columns, which is at most kTile.
template <class W>
void copy_band(const W* x, int64_t x_step, W* y, int64_t y_step, int64_t columns, int64_t rows) {
  constexpr int64_t kSide = kTile<W>;
  int64_t r = 0;
  if (columns == kSide) {
    for (; r + kSide <= rows; r += kSide) {
      transpose_tile(x + r * x_step, x_step, y + r, y_step);
    }
  }
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t i = r; i < rows; ++i) {
      y[c * y_step + i] = x[i * x_step + c];
    }
  }
}

/// Walks bands of kTile columns along `axis`, each with a part of the innermost axis.
template <class W>
void copy_bands(const StridedLoop<2>& loop, int axis, const W* x, W* y) {
  constexpr int64_t kSide = kTile<W>;
  constexpr int64_t kPart = 2048;  // rows of one band
  const int inner = loop.rank - 1;
  const int64_t rows = loop.sizes[inner];
  const int64_t columns = loop.sizes[axis];
  const int64_t parts = chunk_count(rows, kPart);
  const int64_t bands = chunk_count(columns, kSide);
  const int64_t grain = std::max<int64_t>(1, kElementGrain / (std::min(rows, kPart) * kSide));
  StridedLoop<2> outer = loop;  // all but the two axes
  outer.sizes[inner] = 1;
  outer.sizes[axis] = 1;
  parallel_for(loop.count / (rows * columns) * bands * parts, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t at[2];
      outer.offsets(i / parts / bands, at);
      const int64_t c = i / parts % bands * kSide;
      const int64_t r = i % parts * kPart;
      copy_band(x + at[0] + r * loop.strides[0][inner] + c, loop.strides[0][inner],
                y + at[1] + c * loop.strides[1][axis] + r, loop.strides[1][axis], std::min(kSide, columns - c),
                std::min(kPart, rows - r));
    }
  });
}

}  // namespace

void copy(const CopyArgs& args) {
  const auto loop = plan_strided<2>(args.x.shape, {args.x.strides, args.y.strides});
  const int inner = std::max(loop.rank - 1, 0);
  if (loop.count > 0 && loop.rank > 1 && args.x.dtype == args.y.dtype) {
    const int axis = transposed_axis(loop);
    const bool has_rows = loop.strides[0][inner] == 1 && loop.strides[1][inner] == 1;
    if (axis >= 0 || has_rows) {
      visit_words(args.x.dtype, [&]<class W>() {
        if (has_rows) {
          copy_rows(loop, args.x.as<W>(), args.y.as<W>());
        } else {
          copy_bands(loop, axis, args.x.as<W>(), args.y.as<W>());
        }
      });
      return;
    }
  }
  visit_any(args.x.dtype, [&]<class From>() {
    visit_any(args.y.dtype, [&]<class To>() {
      const From* x = args.x.as<From>();
      To* y = args.y.as<To>();
      for_each_run(loop, [&](const int64_t(&at)[2], int64_t n) {
        copy_run(x + at[0], loop.strides[0][inner], y + at[1], loop.strides[1][inner], n);
      });
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(copy, CopyArgs)
