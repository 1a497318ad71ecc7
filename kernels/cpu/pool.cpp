#include "kernels/pool.h"

#include "core/parallel.h"
#include "kernels/cpu/channel_blocks.h"
#include "kernels/cpu/isa.h"
#include "kernels/simd/integers.h"
#include "kernels/simd/stream.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

template <class T>
using VecOf = simd::Vec<simd::Lane<T>>;
template <class T>
using IntVecOf = simd::Vec<simd::IntOf<simd::Lane<T>>>;

constexpr int64_t kLargeBytes = int64_t{8} << 20;

/// A dense [N, H, W, C] array as a grid of cells.
template <class T>
struct Cells {
  T* data;
  int64_t rows, columns, channels;
  bool is_large;  // so that the last-level cache holds a part of it at most

  Cells(T* begin, const Shape& shape)
      : data(begin),
        rows(shape[1]),
        columns(shape[2]),
        channels(shape[3]),
        is_large(numel(shape) * int64_t(sizeof(T)) >= kLargeBytes) {}
  [[nodiscard]] T* row(int64_t n, int64_t h) const { return data + (n * rows + h) * columns * channels; }

  /// Several rows are read at once: more streams than the processor follows by itself. Inlined always, since GCC drops
  /// calls of a function that does nothing but prefetch.
  template <int kVectors>
  [[gnu::always_inline]] void prefetch_after(const T* cell) const {
    if (is_large) {
      for (int v = 0; v < kVectors; ++v) {
        simd::prefetch_after(cell + v * VecOf<std::remove_const_t<T>>::kLanes);
      }
    }
  }
};

template <class T>
Cells<const T> cells_of(const ConstTensorRef& array) {
  return {array.as<T>(), array.shape};
}
template <class T>
Cells<T> cells_of(const TensorRef& array) {
  return {array.as<T>(), array.shape};
}

/// Calls fn(n, row) for the rows of `written`, spread over the threads, and path.finish() after each thread's share.
template <class T, class Fn>
void for_each_row(const Cells<T>& written, int64_t images, int64_t cells_read, simd::StorePath path, Fn&& fn) {
  const int64_t row_cost = std::max<int64_t>(1, written.columns * written.channels * cells_read);
  parallel_for(images * written.rows, std::max<int64_t>(1, 65536 / row_cost), [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) {
      fn(line / written.rows, line % written.rows);
    }
    path.finish();
  });
}

/// One axis of a window: its cells inside the array, and where the first of them lies in the window.
struct Window {
  int64_t first, last, position;

  Window(const PoolAxis& axis, int64_t o)
      : first(axis.first(o)), last(axis.last(o)), position(axis.position(o, first)) {}
};

/// The windows that can cover cell i along one axis.
struct Covering {
  int64_t first, last;

  Covering(const PoolAxis& axis, int64_t i) : first(axis.first_window(i)), last(axis.last_window(i)) {}
};

int64_t window_cells(const PoolAxis& height, const PoolAxis& width) { return height.kernel * width.kernel; }

/// The cells of a window; `image` is the first cell of its image.
template <class T>
struct AllCells {
  const Cells<const T>& x;
  const T* image;
  const Window& rows;
  const Window& columns;
  const PoolAxis& height;
  const PoolAxis& width;

  /// Calls fn(channel c of a cell, position in the window) for all cells.
  template <class Fn>
  void for_each(int64_t c, Fn&& fn) const {
    int64_t row_position = rows.position * width.kernel;
    for (int64_t h = rows.first; h < rows.last; h += height.dilation, row_position += width.kernel) {
      const T* row = image + h * x.columns * x.channels + c;
      int64_t position = row_position + columns.position;
      for (int64_t w = columns.first; w < columns.last; w += width.dilation, ++position) {
        fn(row + w * x.channels, position);
      }
    }
  }
};

/// The cells of a window of kSide x kSide neighbours: the walk is unrolled.
template <class T, int kSide>
struct Square {
  const T* first;
  int64_t row_step;
  int64_t column_step;
  int64_t position;  // of the first
  int64_t position_step;

  explicit Square(const AllCells<T>& all)
      : first(all.image + (all.rows.first * all.x.columns + all.columns.first) * all.x.channels),
        row_step(all.x.columns * all.x.channels),
        column_step(all.x.channels),
        position(all.rows.position * all.width.kernel + all.columns.position),
        position_step(all.width.kernel) {}
  template <class Fn>
  [[gnu::always_inline]] void for_each(int64_t c, Fn&& fn) const {
#pragma GCC unroll 3
    for (int h = 0; h < kSide; ++h) {
#pragma GCC unroll 3
      for (int w = 0; w < kSide; ++w) {
        fn(first + h * row_step + w * column_step + c, position + h * position_step + w);
      }
    }
  }
};

/// Calls fn with the cells of a window: AllCells, or Square for 2 x 2 and 3 x 3 neighbours.
template <class T, class Fn>
void visit_cells(const AllCells<T>& all, Fn&& fn) {
  const bool is_dense = all.height.dilation == 1 && all.width.dilation == 1;
  const int64_t height = all.rows.last - all.rows.first;
  switch (is_dense && height == all.columns.last - all.columns.first ? height : 0) {
    case 2:
      return fn(Square<T, 2>(all));
    case 3:
      return fn(Square<T, 3>(all));
    default:
      return fn(all);
  }
}

/// The largest of a window, and its position where `index` is wanted.
template <bool kIsIndexed, int kVectors, class T, class Index, class Lanes, class Walk>
void max_of_window(Lanes lanes, int64_t first_position, const Cells<const T>& x, const Walk& cells, int64_t c, T* y,
                   Index* index) {
  using V = VecOf<T>;
  using I = IntVecOf<T>;
  V best[kVectors];
  I chosen[kVectors];
  std::fill_n(best, kVectors, V(-std::numeric_limits<typename V::Element>::infinity()));
  // A window of -infinities keeps its first cell, as if the search had started there.
  std::fill_n(chosen, kVectors, I(typename I::Element(first_position)));
  cells.for_each(c, [&](const T* cell, int64_t at) {
    const I position = typename I::Element(at);
    x.template prefetch_after<kVectors>(cell);
    for (int v = 0; v < kVectors; ++v) {
      const V value = lanes.load(cell + v * V::kLanes);
      if constexpr (kIsIndexed) {
        const auto replaces = replaces_maximum(value, best[v]);
        best[v] = select(replaces, value, best[v]);
        chosen[v] = select(replaces, position, chosen[v]);
      } else {
        best[v] = max(value, best[v]);
      }
    }
  });
  for (int v = 0; v < kVectors; ++v) {
    lanes.store(y + c + v * V::kLanes, best[v]);
    if constexpr (kIsIndexed) {
      simd::store_integers(lanes, index + c + v * V::kLanes, chosen[v]);
    }
  }
}

template <bool kIsIndexed, class T, class Index>
void max_pool_typed(const MaxPoolArgs& args) {
  const auto& [height, width] = std::tie(args.height, args.width);
  const Cells<const T> x = cells_of<T>(args.x);
  const Cells<T> y = cells_of<T>(args.y);
  Index* index = args.index.as<Index>();
  for_each_row(y, args.y.size(0), window_cells(height, width), {}, [&](int64_t n, int64_t oh) {
    const T* image = x.row(n, 0);
    T* target = y.row(n, oh);
    const Window rows(height, oh);
    for (int64_t ow = 0; ow < y.columns; ++ow, target += y.channels) {
      const Window columns(width, ow);
      Index* chosen = kIsIndexed ? index + (target - y.data) : nullptr;
      visit_cells(AllCells<T>{x, image, rows, columns, height, width}, [&](const auto& cells) {
        for_each_channel_block<T>(y.channels, [&]<int kVectors>(int64_t c, auto lanes) {
          max_of_window<kIsIndexed, kVectors>(lanes, rows.position * width.kernel + columns.position, x, cells, c,
                                              target, chosen);
        });
      });
    }
  });
}

template <class T, class Index>
void max_pool_backward_typed(const MaxPoolBackwardArgs& args) {
  using V = VecOf<T>;
  using I = IntVecOf<T>;
  const auto& [height, width] = std::tie(args.height, args.width);
  const Cells<const T> grad = cells_of<T>(args.grad);
  const Cells<T> dx = cells_of<T>(args.dx);
  const Index* index = args.index.as<Index>();
  const auto path = simd::StorePath::for_rows(dx.data, dx.channels, args.dx.numel());
  for_each_row(dx, args.dx.size(0), 2, path, [&](int64_t n, int64_t h) {
    T* target = dx.row(n, h);
    const Covering rows(height, h);
    for (int64_t w = 0; w < dx.columns; ++w, target += dx.channels) {
      const Covering columns(width, w);
      for_each_channel_block<T>(dx.channels, [&]<int kVectors>(int64_t c, auto lanes) {
        V sum[kVectors] = {};
        for (int64_t oh = rows.first; oh < rows.last; ++oh) {
          for (int64_t ow = columns.first; ow < columns.last; ++ow) {
            if (!height.covers(oh, h) || !width.covers(ow, w)) {
              continue;
            }
            const I position = typename I::Element(height.position(oh, h) * width.kernel + width.position(ow, w));
            const int64_t at = grad.row(n, oh) - grad.data + ow * grad.channels + c;
            for (int v = 0; v < kVectors; ++v) {
              const I chosen = simd::load_integers<typename I::Element>(lanes, index + at + v * V::kLanes);
              sum[v] += select(chosen == position, lanes.load(grad.data + at + v * V::kLanes), V(0));
            }
          }
        }
        for (int v = 0; v < kVectors; ++v) {
          path.store(lanes, target + c + v * V::kLanes, sum[v]);
        }
      });
    }
  });
}

}  // namespace

void max_pool(const MaxPoolArgs& args) {
  visit_floating(args.x.dtype, "max_pool2d", [&]<class T>() {
    if (args.index.data == nullptr) {
      max_pool_typed<false, T, uint8_t>(args);
    } else {
      visit_pool_index(args.index.dtype, [&]<class Index>() { max_pool_typed<true, T, Index>(args); });
    }
  });
}

void max_pool_backward(const MaxPoolBackwardArgs& args) {
  visit_floating(args.dx.dtype, "max_pool2d", [&]<class T>() {
    visit_pool_index(args.index.dtype, [&]<class Index>() { max_pool_backward_typed<T, Index>(args); });
  });
}

void avg_pool(const AvgPoolArgs& args) {
  const auto& [height, width] = std::tie(args.height, args.width);
  visit_floating(args.x.dtype, "avg_pool2d", [&]<class T>() {
    using V = VecOf<T>;
    using Scalar = typename V::Element;
    const Cells<const T> x = cells_of<T>(args.x);
    const Cells<T> y = cells_of<T>(args.y);
    for_each_row(y, args.y.size(0), window_cells(height, width), {}, [&](int64_t n, int64_t oh) {
      const T* image = x.row(n, 0);
      T* target = y.row(n, oh);
      const Window rows(height, oh);
      for (int64_t ow = 0; ow < y.columns; ++ow, target += y.channels) {
        const Window columns(width, ow);
        const V scale = Scalar(1) / Scalar(args.divisor.of(height, width, oh, ow));
        visit_cells(AllCells<T>{x, image, rows, columns, height, width}, [&](const auto& cells) {
          for_each_channel_block<T>(y.channels, [&]<int kVectors>(int64_t c, auto lanes) {
            V sum[kVectors] = {};
            cells.for_each(c, [&](const T* cell, int64_t /*position*/) {
              x.template prefetch_after<kVectors>(cell);
              for (int v = 0; v < kVectors; ++v) {
                sum[v] += lanes.load(cell + v * V::kLanes);
              }
            });
            for (int v = 0; v < kVectors; ++v) {
              lanes.store(target + c + v * V::kLanes, sum[v] * scale);
            }
          });
        });
      }
    });
  });
}

void avg_pool_backward(const AvgPoolBackwardArgs& args) {
  const auto& [height, width] = std::tie(args.height, args.width);
  visit_floating(args.dx.dtype, "avg_pool2d", [&]<class T>() {
    using V = VecOf<T>;
    using Scalar = typename V::Element;
    const Cells<const T> grad = cells_of<T>(args.grad);
    const Cells<T> dx = cells_of<T>(args.dx);
    const auto path = simd::StorePath::for_rows(dx.data, dx.channels, args.dx.numel());
    for_each_row(dx, args.dx.size(0), 2, path, [&](int64_t n, int64_t h) {
      T* target = dx.row(n, h);
      const Covering rows(height, h);
      for (int64_t w = 0; w < dx.columns; ++w, target += dx.channels) {
        const Covering columns(width, w);
        for_each_channel_block<T>(dx.channels, [&]<int kVectors>(int64_t c, auto lanes) {
          V sum[kVectors] = {};
          for (int64_t oh = rows.first; oh < rows.last; ++oh) {
            for (int64_t ow = columns.first; ow < columns.last; ++ow) {
              const T* cell = grad.row(n, oh) + ow * grad.channels + c;
              const V scale = Scalar(1) / Scalar(args.divisor.of(height, width, oh, ow));
              for (int v = 0; v < kVectors; ++v) {
                sum[v] = fma(lanes.load(cell + v * V::kLanes), scale, sum[v]);
              }
            }
          }
          for (int v = 0; v < kVectors; ++v) {
            path.store(lanes, target + c + v * V::kLanes, sum[v]);
          }
        });
      }
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(max_pool, MaxPoolArgs)
LV_CPU_KERNEL(max_pool_backward, MaxPoolBackwardArgs)
LV_CPU_KERNEL(avg_pool, AvgPoolArgs)
LV_CPU_KERNEL(avg_pool_backward, AvgPoolBackwardArgs)
