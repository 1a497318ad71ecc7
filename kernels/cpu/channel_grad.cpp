#include "kernels/channel_norm.h"
#include "kernels/cpu/channel_norm.h"
#include "kernels/scalar.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

constexpr int kRowBlock = 4;

/// What both passes read.
template <class T>
struct GradInputs {
  using A = Accumulator<T>;
  using V = simd::Vec<A>;
  Rows<const T> grad_y;
  Rows<const T> x;
  Rows<const T> y;
  const A* mean;
  const A* scale;
  const A* offset;
  int64_t channels;

  template <class Args>
  GradInputs(const Args& args, int64_t channel_count)
      : grad_y(args.grad_y),
        x(args.x),
        y(args.y),
        mean(args.mean.template as<A>()),
        scale(args.scale.template as<A>()),
        offset(args.offset.template as<A>()),
        channels(channel_count) {}

  /// grad_y where the ReLU was open, 0 elsewhere. `at`: the channel's place in the coefficients.
  template <ReluMask kMask, class Lanes>
  V masked(int64_t row, int64_t c, int64_t at, V deviation, Lanes lanes) const {
    simd::prefetch_after(grad_y[row] + c);
    simd::prefetch_after(x[row] + c);
    const V grad = lanes.load(grad_y[row] + c);
    if constexpr (kMask == ReluMask::input) {
      return select(fma(deviation, lanes.load(scale + at), lanes.load(offset + at)) > V(A(0)), grad, V(A(0)));
    } else if constexpr (kMask == ReluMask::output) {
      simd::prefetch_after(y[row] + c);
      return select(lanes.load(y[row] + c) > V(A(0)), grad, V(A(0)));
    } else {
      return grad;
    }
  }
};

template <class Fn>
void visit_mask(ReluMask mask, Fn&& fn) {
  switch (mask) {
    case ReluMask::none:
      return fn.template operator()<ReluMask::none>();
    case ReluMask::input:
      return fn.template operator()<ReluMask::input>();
    case ReluMask::output:
      return fn.template operator()<ReluMask::output>();
  }
}

template <class T>
struct GradOutputs {
  using A = Accumulator<T>;
  const A* slope;
  const A* shift;
  Rows<T> grad_x;
  Rows<T> grad_residual;
  simd::StorePath path;
};

template <ReluMask kMask, int kRows, class T, class A>
void add_grad_sums(const GradInputs<T>& in, const GradOutputs<T>& out, int64_t group, int64_t row, A* sums) {
  simd::for_each_vec<T>(in.channels, [&](int64_t c, auto lanes) {
    const int64_t at = group * in.channels + c;
    const auto m = lanes.load(in.mean + at);
    auto grads = lanes.load(sums + c);
    auto products = lanes.load(sums + in.channels + c);
    for (int r = 0; r < kRows; ++r) {
      const auto deviation = lanes.load(in.x[row + r] + c) - m;
      const auto grad = in.template masked<kMask>(row + r, c, at, deviation, lanes);
      if (out.grad_residual.data != nullptr) {
        lanes.store(out.grad_residual[row + r] + c, grad);
      }
      if (out.grad_x.data != nullptr) {
        out.path.store(lanes, out.grad_x[row + r] + c, grad * lanes.load(in.scale + at));
      }
      grads += grad;
      products = fma(grad, deviation, products);
    }
    lanes.store(sums + c, grads);
    lanes.store(sums + in.channels + c, products);
  });
}

template <ReluMask kMask, int kRows, class T>
void write_grads(const GradInputs<T>& in, const GradOutputs<T>& out, int64_t group, int64_t row) {
  using V = typename GradInputs<T>::V;
  simd::for_each_vec<T>(in.channels, [&](int64_t c, auto lanes) {
    const int64_t at = group * in.channels + c;
    const V m = lanes.load(in.mean + at);
    const V s = lanes.load(in.scale + at);
    const V slope = out.slope != nullptr ? lanes.load(out.slope + at) : V(0);
    const V shift = out.shift != nullptr ? lanes.load(out.shift + at) : V(0);
    for (int r = 0; r < kRows; ++r) {
      const V deviation = lanes.load(in.x[row + r] + c) - m;
      const V grad = in.template masked<kMask>(row + r, c, at, deviation, lanes);
      if (out.grad_x.data != nullptr) {
        out.path.store(lanes, out.grad_x[row + r] + c, fma(grad, s, fma(deviation, slope, shift)));
      }
      if (out.grad_residual.data != nullptr) {
        lanes.store(out.grad_residual[row + r] + c, grad);
      }
    }
  });
}

}  // namespace

void channel_grad_sums(const ChannelGradSumsArgs& args) {
  visit_floating(args.x.dtype, "channel_grad_sums", [&]<class T>() {
    using A = Accumulator<T>;
    const ChannelSplit split(args.x, args.mean.size(0));
    const GradInputs<T> in(args, split.channels);
    const Rows<T> grad_x(args.grad_x);
    const GradOutputs<T> out{nullptr, nullptr, grad_x, Rows<T>(args.masked_grad), store_path(grad_x, args.x)};
    const int64_t width = 2 * split.channels;
    A* partials = args.partials.as<A>();
    visit_mask(args.mask, [&]<ReluMask kMask>() {
      split.for_each_chunk([&](const ChannelChunk& chunk) {
        A* sums = partials + chunk.index * width;
        std::fill_n(sums, width, A(0));
        for_each_row_block<kRowBlock>(chunk.rows, [&](auto count, int64_t row) {
          add_grad_sums<kMask, count.value>(in, out, chunk.group, chunk.row + row, sums);
        });
        out.path.finish();
      });
    });
    combine_chunk_sums(split, width, partials, args.sums.as<A>());
  });
}

void channel_grad(const ChannelGradArgs& args) {
  visit_floating(args.x.dtype, "channel_grad", [&]<class T>() {
    using A = Accumulator<T>;
    const ChannelSplit split(args.x, args.mean.size(0));
    const GradInputs<T> in(args, split.channels);
    const Rows<T> grad_x(args.grad_x);
    const GradOutputs<T> out{args.slope.as<A>(), args.shift.as<A>(), grad_x, Rows<T>(args.grad_residual),
                             store_path(grad_x, args.x, args.result_rows)};
    visit_mask(args.mask, [&]<ReluMask kMask>() {
      split.for_each_chunk([&](const ChannelChunk& chunk) {
        for_each_row_block<kRowBlock>(chunk.rows, [&](auto count, int64_t row) {
          write_grads<kMask, count.value>(in, out, chunk.group, chunk.row + row);
        });
        out.path.finish();
      });
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(channel_grad_sums, ChannelGradSumsArgs)
LV_CPU_KERNEL(channel_grad, ChannelGradArgs)
