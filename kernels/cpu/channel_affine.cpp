#include "kernels/channel_norm.h"
#include "kernels/cpu/channel_norm.h"
#include "kernels/scalar.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

constexpr int kRowBlock = 4;

template <class T>
struct Affine {
  using A = Accumulator<T>;
  Rows<const T> x;
  Rows<const T> residual;
  Rows<T> y;
  const A* mean;
  const A* scale;
  const A* offset;
  int64_t channels;
  simd::StorePath path;

  template <bool kHasResidual, bool kRelu, int kRows>
  void run(int64_t group, int64_t row) const {
    const A* center = mean + group * channels;
    const A* factor = scale + group * channels;
    const A* term = offset + group * channels;
    simd::for_each_vec<T>(channels, [&](int64_t c, auto lanes) {
      const auto m = lanes.load(center + c);
      const auto s = lanes.load(factor + c);
      const auto b = lanes.load(term + c);
      for (int r = 0; r < kRows; ++r) {
        simd::prefetch_after(x[row + r] + c);
        auto value = fma(lanes.load(x[row + r] + c) - m, s, b);
        if constexpr (kHasResidual) {
          simd::prefetch_after(residual[row + r] + c);
          value += lanes.load(residual[row + r] + c);
        }
        if constexpr (kRelu) {
          value = fast_max(decltype(value)(A(0)), value);
        }
        path.store(lanes, y[row + r] + c, value);
      }
    });
  }
};

/// Calls fn with two booleans as constants.
template <class Fn>
void visit_flags(bool first, bool second, Fn&& fn) {
  const auto with_first = [&](auto a) { second ? fn(a, std::true_type{}) : fn(a, std::false_type{}); };
  first ? with_first(std::true_type{}) : with_first(std::false_type{});
}

}  // namespace

void channel_affine(const ChannelAffineArgs& args) {
  visit_floating(args.x.dtype, "channel_affine", [&]<class T>() {
    using A = Accumulator<T>;
    const ChannelSplit split(args.x, args.mean.size(0));
    const Rows<T> y(args.y);
    const Affine<T> affine{Rows<const T>(args.x),
                           Rows<const T>(args.residual),
                           y,
                           args.mean.as<A>(),
                           args.scale.as<A>(),
                           args.offset.as<A>(),
                           split.channels,
                           store_path(y, args.x, args.result_rows)};
    visit_flags(args.residual.defined(), args.relu, [&](auto has_residual, auto relu) {
      split.for_each_chunk([&](const ChannelChunk& chunk) {
        for_each_row_block<kRowBlock>(chunk.rows, [&](auto count, int64_t row) {
          affine.template run<has_residual.value, relu.value, count.value>(chunk.group, chunk.row + row);
        });
        affine.path.finish();
      });
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(channel_affine, ChannelAffineArgs)
