#include "kernels/layer_norm.h"

#include <cmath>

#include "kernels/cpu/channel_norm.h"
#include "kernels/cpu/isa.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

// Rows walked together: independent chains of additions, and one load of the parameters for all of them. The backward
// pass reads and writes three matrices; with rows of 4 KiB, more than two at a time fall into the same cache sets.
constexpr int kForwardRows = 4;
constexpr int kBackwardRows = 2;

template <class T>
struct LayerNorm {
  using A = Accumulator<T>;
  using V = simd::Vec<A>;
  Rows<const T> x;
  Rows<T> y;
  const A* weight;
  const A* bias;
  A eps;
  A* mean;
  A* inv_std;
  int64_t channels;

  template <int kRows>
  void run(int64_t row) const {
    A center[kRows];
    A factor[kRows];
    measure<kRows>(row, center, factor);
    simd::for_each_vec<T>(channels, [&](int64_t c, auto lanes) {
      const V w = weight != nullptr ? lanes.load(weight + c) : V(A(1));
      const V b = bias != nullptr ? lanes.load(bias + c) : V(A(0));
      for (int r = 0; r < kRows; ++r) {
        lanes.store(y[row + r] + c, fma((lanes.load(x[row + r] + c) - center[r]) * factor[r], w, b));
      }
    });
  }

 private:
  /// Two readings of rows that lie in the first-level cache; the second corrects the mean as well.
  template <int kRows>
  void measure(int64_t row, A (&center)[kRows], A (&factor)[kRows]) const {
    V sum[kRows];
    V squares[kRows];
    std::fill_n(sum, kRows, V(A(0)));
    std::fill_n(squares, kRows, V(A(0)));
    simd::for_each_vec<T>(channels, [&](int64_t c, auto lanes) {
      for (int r = 0; r < kRows; ++r) {
        simd::prefetch_after(x[row + r] + c);
        sum[r] += lanes.load(x[row + r] + c);
      }
    });
    const A scale = A(1) / A(channels);
    for (int r = 0; r < kRows; ++r) {
      center[r] = simd::sum(sum[r]) * scale;
      sum[r] = V(A(0));
    }
    simd::for_each_vec<T>(channels, [&](int64_t c, auto lanes) {
      for (int r = 0; r < kRows; ++r) {
        const V deviation = lanes.keep(lanes.load(x[row + r] + c) - center[r], V(A(0)));
        sum[r] += deviation;
        squares[r] = fma(deviation, deviation, squares[r]);
      }
    });
    for (int r = 0; r < kRows; ++r) {
      const A correction = simd::sum(sum[r]) * scale;
      center[r] += correction;
      const A variance = std::max(simd::sum(squares[r]) * scale - correction * correction, A(0));
      factor[r] = A(1) / std::sqrt(variance + eps);
      mean[row + r] = center[r];
      inv_std[row + r] = factor[r];
    }
  }
};

template <class T>
struct LayerNormGrad {
  using A = Accumulator<T>;
  using V = simd::Vec<A>;
  Rows<const T> grad_y;
  Rows<const T> x;
  const A* weight;
  const A* mean;
  const A* inv_std;
  Rows<T> grad_x;
  int64_t channels;

  /// parameter_sums: [2, C], to which the rows' shares are added.
  template <int kRows>
  void run(int64_t row, A* parameter_sums) const {
    V sum[kRows];
    V product[kRows];
    std::fill_n(sum, kRows, V(A(0)));
    std::fill_n(product, kRows, V(A(0)));
    simd::for_each_vec<T>(channels, [&](int64_t c, auto lanes) {
      const V w = weight != nullptr ? lanes.load(weight + c) : V(A(1));
      V weight_sum = lanes.load(parameter_sums + c);
      V bias_sum = lanes.load(parameter_sums + channels + c);
      for (int r = 0; r < kRows; ++r) {
        simd::prefetch_after(grad_y[row + r] + c);
        simd::prefetch_after(x[row + r] + c);
        const V grad = lanes.load(grad_y[row + r] + c);
        const V normal = (lanes.load(x[row + r] + c) - mean[row + r]) * inv_std[row + r];
        weight_sum = fma(grad, normal, weight_sum);
        bias_sum += grad;
        // Lanes past the end hold a gradient of 0.
        sum[r] = fma(grad, w, sum[r]);
        product[r] = fma(grad * w, normal, product[r]);
      }
      lanes.store(parameter_sums + c, weight_sum);
      lanes.store(parameter_sums + channels + c, bias_sum);
    });
    if (grad_x.data != nullptr) {
      write<kRows>(row, sum, product);
    }
  }

 private:
  template <int kRows>
  void write(int64_t row, const V (&sum)[kRows], const V (&product)[kRows]) const {
    A shift[kRows];
    A slope[kRows];
    for (int r = 0; r < kRows; ++r) {
      const A factor = inv_std[row + r] / A(channels);
      shift[r] = -factor * simd::sum(sum[r]);
      slope[r] = -factor * inv_std[row + r] * simd::sum(product[r]);
    }
    simd::for_each_vec<T>(channels, [&](int64_t c, auto lanes) {
      const V w = weight != nullptr ? lanes.load(weight + c) : V(A(1));
      for (int r = 0; r < kRows; ++r) {
        const V grad = lanes.load(grad_y[row + r] + c);
        const V bend = fma(lanes.load(x[row + r] + c) - mean[row + r], V(slope[r]), V(shift[r]));
        lanes.store(grad_x[row + r] + c, fma(grad, w * inv_std[row + r], bend));
      }
    });
  }
};

}  // namespace

void layer_norm(const LayerNormArgs& args) {
  visit_floating(args.x.dtype, "layer_norm", [&]<class T>() {
    using A = Accumulator<T>;
    const LayerNorm<T> norm{Rows<const T>(args.x), Rows<T>(args.y),   args.weight.as<A>(),  args.bias.as<A>(),
                            A(args.eps),           args.mean.as<A>(), args.inv_std.as<A>(), args.x.size(1)};
    const int64_t grain = std::max<int64_t>(1, 32768 / std::max<int64_t>(norm.channels, 1));
    parallel_for(args.x.size(0), grain, [&](int64_t begin, int64_t end) {
      for_each_row_block<kForwardRows>(end - begin,
                                       [&](auto count, int64_t row) { norm.template run<count.value>(begin + row); });
    });
  });
}

void layer_norm_grad(const LayerNormGradArgs& args) {
  visit_floating(args.x.dtype, "layer_norm_grad", [&]<class T>() {
    using A = Accumulator<T>;
    const ChannelSplit split(args.x, 1);
    const LayerNormGrad<T> norm{
        Rows<const T>(args.grad_y), Rows<const T>(args.x), args.weight.as<A>(), args.mean.as<A>(),
        args.inv_std.as<A>(),       Rows<T>(args.grad_x),  split.channels};
    A* partials = args.partials.as<A>();
    const int64_t width = 2 * split.channels;
    split.for_each_chunk([&](const ChannelChunk& chunk) {
      A* sums = partials + chunk.index * width;
      std::fill_n(sums, width, A(0));
      for_each_row_block<kBackwardRows>(
          chunk.rows, [&](auto count, int64_t row) { norm.template run<count.value>(chunk.row + row, sums); });
    });
    if (args.parameter_grads.defined()) {
      combine_chunk_sums(split, width, partials, args.parameter_grads.as<A>());
    }
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(layer_norm, LayerNormArgs)
LV_CPU_KERNEL(layer_norm_grad, LayerNormGradArgs)
