#include "kernels/elastic.h"

#include <limits>

#include "core/parallel.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/scratch.h"
#include "kernels/simd/stream.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

struct ElasticLineTag;

/// Calls fn(image, row) for the rows of a [N, H, W, C] array, spread over the threads, and path.finish() after each
/// thread's share.
template <class Fn>
void for_each_row(const TensorRef& written, simd::StorePath path, Fn&& fn) {
  const int64_t rows = written.size(1);
  const int64_t row_size = std::max<int64_t>(1, written.size(2) * written.size(3));
  parallel_for(written.size(0) * rows, std::max<int64_t>(1, 32768 / row_size), [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) {
      fn(line / rows, line % rows);
    }
    path.finish();
  });
}

/// How runs are read and their sum is stored.
struct Paths {
  simd::ReadPath reads = {};  // of the last half of the runs: the others were read for the sum before
  simd::StorePath stores = {};
};

/// out = the weighted sum of runs of n elements.
template <int kTaps, class In, class Out>
void sum_runs(int64_t n, const In* const* runs, const float* weights, Out* out, Paths paths) {
  using V = simd::Vec<simd::Lane<Out>>;
  const In* in[kTaps];
  V factors[kTaps];
  for (int t = 0; t < kTaps; ++t) {
    in[t] = runs[t];
    factors[t] = V(typename V::Element(weights[t]));
  }
  simd::for_each_vec<Out>(n, [&](int64_t i, auto lanes) {
    V sum = lanes.load(in[0] + i) * factors[0];
#pragma GCC unroll 4
    for (int t = 1; t < kTaps; ++t) {
      sum = fma(lanes.load(in[t] + i), factors[t], sum);
      if (t >= kTaps / 2) {
        paths.reads.prefetch_after(in[t] + i);
      }
    }
    paths.stores.store(lanes, out + i, sum);
  });
}

/// The same for taps; run_of(k) is the run of cell k.
template <class RunOf, class Out>
void sum_taps(int64_t n, const ElasticTaps& taps, RunOf&& run_of, Out* out, Paths paths = {}) {
  static_assert(ElasticTaps::kMost == 4);
  decltype(run_of(0)) runs[ElasticTaps::kMost] = {};
  for (int t = 0; t < taps.count; ++t) {
    runs[t] = run_of(taps.first + t);
  }
  switch (taps.count) {
    case 1:
      return sum_runs<1>(n, runs, taps.weights, out, paths);
    case 2:
      return sum_runs<2>(n, runs, taps.weights, out, paths);
    case 3:
      return sum_runs<3>(n, runs, taps.weights, out, paths);
    default:
      return sum_runs<4>(n, runs, taps.weights, out, paths);
  }
}

/// What follows the addition; the same for every pixel.
template <class A>
struct Finish {
  const A* scale;  // null: none
  const A* shift;
  A least;  // 0 for a ReLU, else nothing is below it
};

/// A cell of the sum: full + the taps' cells, `step` apart.
template <bool kIsAffine, int kTaps, class In, class T, class A>
void add_cell(int64_t channels, const In* first, int64_t step, const float* weights, const T* full,
              const Finish<A>& finish, T* y, simd::StorePath path) {
  using V = simd::Vec<simd::Lane<T>>;
  const V least = finish.least;
  simd::for_each_vec<T>(channels, [&](int64_t c, auto lanes) {
    V value = lanes.load(full + c);
#pragma GCC unroll 2
    for (int t = 0; t < kTaps; ++t) {
      value = fma(lanes.load(first + t * step + c), V(typename V::Element(weights[t])), value);
    }
    if constexpr (kIsAffine) {
      value = fma(value, lanes.load(finish.scale + c), lanes.load(finish.shift + c));
    }
    path.store(lanes, y + c, fast_max(least, value));
  });
}

/// A row of the sum. `from`: the row of `small` that belongs to it, or the one made of its two rows.
template <bool kIsAffine, class In, class T, class A>
void add_row(const ElasticUpAddArgs& args, const In* from, const T* full, const Finish<A>& finish, T* y,
             simd::StorePath path) {
  const int64_t columns = args.y.size(2);
  const int64_t channels = args.y.size(3);
  for (int64_t o = 0; o < columns; ++o, full += channels, y += channels) {
    const ElasticTaps taps = doubling_taps(o, args.small.size(2), args.is_nearest);
    const In* first = from + taps.first * channels;
    if (taps.count == 1) {
      add_cell<kIsAffine, 1>(channels, first, channels, taps.weights, full, finish, y, path);
    } else {
      add_cell<kIsAffine, 2>(channels, first, channels, taps.weights, full, finish, y, path);
    }
  }
}

template <bool kIsAffine, class T>
void up_add_typed(const ElasticUpAddArgs& args) {
  using A = simd::Lane<T>;
  const int64_t rows = args.small.size(1);
  const int64_t full_row = args.y.size(2) * args.y.size(3);
  const int64_t small_row = args.small.size(2) * args.y.size(3);
  const Finish<A> finish{args.scale.as<A>(), args.shift.as<A>(),
                         args.relu ? A(0) : -std::numeric_limits<A>::infinity()};
  const auto path = simd::StorePath::for_rows(args.y.as<T>(), args.y.size(3), args.y.numel());
  for_each_row(args.y, path, [&](int64_t n, int64_t o) {
    const ElasticTaps taps = doubling_taps(o, rows, args.is_nearest);
    const T* image = args.small.as<T>() + n * rows * small_row;
    const int64_t at = (n * args.y.size(1) + o) * full_row;
    if (taps.count == 1) {
      add_row<kIsAffine>(args, image + taps.first * small_row, args.full.as<T>() + at, finish, args.y.as<T>() + at,
                         path);
    } else {
      A* line = thread_scratch<ElasticLineTag, A>(size_t(small_row));
      sum_taps(small_row, taps, [&](int64_t row) { return image + row * small_row; }, line);
      add_row<kIsAffine>(args, line, args.full.as<T>() + at, finish, args.y.as<T>() + at, path);
    }
  });
}

template <class T>
void down_typed(const ElasticDownArgs& args) {
  using V = simd::Vec<simd::Lane<T>>;
  using Scalar = typename V::Element;
  const int64_t height = args.x.size(1);
  const int64_t width = args.x.size(2);
  const int64_t channels = args.x.size(3);
  const int64_t out_columns = args.y.size(2);
  const auto reads = simd::ReadPath::for_rows<T>(args.x.numel());
  const auto path = simd::StorePath::for_rows(args.y.as<T>(), channels, args.y.numel());
  for_each_row(args.y, path, [&](int64_t n, int64_t oh) {
    const T* top = args.x.as<T>() + (n * height + 2 * oh) * width * channels;
    const T* bottom = 2 * oh + 1 < height ? top + width * channels : top;
    T* y = args.y.as<T>() + (n * args.y.size(1) + oh) * out_columns * channels;
    for (int64_t ow = 0; ow < out_columns; ++ow, y += channels) {
      const int64_t left = 2 * ow * channels;
      const int64_t right = 2 * ow + 1 < width ? left + channels : left;
      simd::for_each_vec<T>(channels, [&](int64_t c, auto lanes) {
        for (const T* cell : {top + left, top + right, bottom + left, bottom + right}) {
          reads.prefetch_after(cell + c);
        }
        const V upper = lanes.load(top + left + c) + lanes.load(top + right + c);
        const V lower = lanes.load(bottom + left + c) + lanes.load(bottom + right + c);
        path.store(lanes, y + c, (upper + lower) * V(Scalar(0.25)));
      });
    }
  });
}

template <class T>
void down_backward_typed(const ElasticDownBackwardArgs& args) {
  using V = simd::Vec<simd::Lane<T>>;
  using Scalar = typename V::Element;
  const int64_t height = args.dx.size(1);
  const int64_t width = args.dx.size(2);
  const int64_t channels = args.dx.size(3);
  const int64_t grad_row = args.grad.size(2) * channels;
  const auto path = simd::StorePath::for_rows(args.dx.as<T>(), channels, args.dx.numel());
  for_each_row(args.dx, path, [&](int64_t n, int64_t h) {
    const T* grad = args.grad.as<T>() + (n * args.grad.size(1) + h / 2) * grad_row;
    T* dx = args.dx.as<T>() + (n * height + h) * width * channels;
    for (int64_t w = 0; w < width; ++w, dx += channels) {
      const V share = Scalar(halving_share(h, height) * halving_share(w, width));
      const T* cell = grad + w / 2 * channels;
      simd::for_each_vec<T>(channels,
                            [&](int64_t c, auto lanes) { path.store(lanes, dx + c, lanes.load(cell + c) * share); });
    }
  });
}

template <class T>
void up_backward_typed(const ElasticUpBackwardArgs& args) {
  using A = simd::Lane<T>;
  const Shape& large = args.grad.shape;
  const int64_t rows = args.dsmall.size(1);
  const int64_t columns = args.dsmall.size(2);
  const int64_t channels = args.dsmall.size(3);
  const int64_t grad_row = large[2] * channels;
  const auto reads = simd::ReadPath::for_rows<T>(args.grad.numel());
  const auto path = simd::StorePath::for_rows(args.dsmall.as<T>(), channels, args.dsmall.numel());
  for_each_row(args.dsmall, path, [&](int64_t n, int64_t i) {
    const T* image = args.grad.as<T>() + n * large[1] * grad_row;
    A* line = thread_scratch<ElasticLineTag, A>(size_t(grad_row));
    sum_taps(grad_row, doubling_grad_taps(i, rows, large[1], args.is_nearest),
             [&](int64_t row) { return image + row * grad_row; }, line, {.reads = reads});
    T* dsmall = args.dsmall.as<T>() + (n * rows + i) * columns * channels;
    for (int64_t j = 0; j < columns; ++j, dsmall += channels) {
      sum_taps(channels, doubling_grad_taps(j, columns, large[2], args.is_nearest),
               [&](int64_t column) { return line + column * channels; }, dsmall, {.stores = path});
    }
  });
}

}  // namespace

void elastic_down(const ElasticDownArgs& args) {
  visit_floating(args.x.dtype, "elastic_downsample", [&]<class T>() { down_typed<T>(args); });
}

void elastic_down_backward(const ElasticDownBackwardArgs& args) {
  visit_floating(args.dx.dtype, "elastic_downsample", [&]<class T>() { down_backward_typed<T>(args); });
}

void elastic_up_add(const ElasticUpAddArgs& args) {
  visit_floating(args.y.dtype, "elastic_upsample_add",
                 [&]<class T>() { args.scale.defined() ? up_add_typed<true, T>(args) : up_add_typed<false, T>(args); });
}

void elastic_up_backward(const ElasticUpBackwardArgs& args) {
  visit_floating(args.dsmall.dtype, "elastic_upsample_add", [&]<class T>() { up_backward_typed<T>(args); });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(elastic_down, ElasticDownArgs)
LV_CPU_KERNEL(elastic_down_backward, ElasticDownBackwardArgs)
LV_CPU_KERNEL(elastic_up_add, ElasticUpAddArgs)
LV_CPU_KERNEL(elastic_up_backward, ElasticUpBackwardArgs)
