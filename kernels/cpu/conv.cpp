#include "kernels/conv.h"

#include "kernels/cpu/columns.h"
#include "kernels/cpu/conv_phases.h"
#include "kernels/cpu/gather_product.h"
#include "kernels/cpu/grouped_product.h"
#include "kernels/cpu/isa.h"
#include "kernels/simd/loop.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

/// Runs groups whose outputs fill vectors; false for others. Pairs where channels come in pairs.
template <class M, class T>
bool try_grouped(const GatherShape& shape, const GroupLanes& lanes, const ConstTensorRef& x,
                 const GroupWeights<T>& weights, const T* bias, T* y) {
  using Plain = PlainMath<ComputeType<T>>;
  if (lanes.fit<M>()) {
    GroupedProduct<M, T>(shape, lanes, x.as<T>(), weights, bias, y).run();
  } else if (lanes.fit<Plain>()) {
    GroupedProduct<Plain, T>(shape, lanes, x.as<T>(), weights, bias, y).run();
  } else {
    return false;
  }
  return true;
}

/// y = max(0, y + residual), each as far as it is asked for: in a pass of its own.
template <class T>
void finish_results(const ConvArgs& args) {
  using V = simd::Vec<simd::Lane<T>>;
  constexpr int64_t kGrain = 16384;
  const V least = args.relu ? simd::Lane<T>(0) : -std::numeric_limits<simd::Lane<T>>::infinity();
  T* y = args.y.as<T>();
  parallel_for(args.y.numel(), kGrain, [&](int64_t begin, int64_t end) {
    if (args.residual.defined()) {
      simd::map(
          end - begin, y + begin, [least](V sum, V residual) { return max(least, sum + residual); }, y + begin,
          args.residual.as<T>() + begin);
    } else {
      simd::map(end - begin, y + begin, [least](V sum) { return max(least, sum); }, y + begin);
    }
  });
}

}  // namespace

void conv(const ConvArgs& args) {
  const GroupSizes group(args.shape, args.weight.shape);
  GatherShape shape = forward_shape(args.shape, args.x.shape, args.y.shape);
  if (args.shape.is_pointwise()) {
    flatten(shape);
  }
  const std::vector<int64_t> taps =
      tap_offsets(forward_phase(args.shape.height), forward_phase(args.shape.width), args.weight.shape);
  const GroupLanes lanes{.groups = args.shape.groups, .in = group.in, .out = group.out};
  visit_product_math(args.y.dtype, "conv2d", [&]<class T, class M>() {
    // Pixels of an odd number of channels are padded to whole units; filters that have an even number need not be.
    const bool is_odd = group.in % M::kDepth != 0 && group.filter % M::kDepth == 0;
    if (is_odd && Columns::suits(args.shape, args.weight.shape)) {
      conv_by_columns<M, T>(args);
      return;
    }
    const T* bias = args.bias.as<T>();
    if (try_grouped<M, T>(shape, lanes, args.x,
                          {.data = args.weight.as<T>(),
                           .taps = taps,
                           .group_step = group.out * group.filter,
                           .in_step = 1,
                           .out_step = group.filter},
                          bias, args.y.as<T>())) {
      if (args.residual.defined() || args.relu) {
        finish_results<T>(args);
      }
      return;
    }
    parallel_for(lanes.groups, 1, [&](int64_t g, int64_t) {
      GatherProduct<M, T> product(shape, args.x.as<T>() + g * group.in,
                                  {.data = args.weight.as<T>() + g * group.out * group.filter,
                                   .taps = taps,
                                   .depth = group.in,
                                   .columns = group.out,
                                   .depth_step = 1,
                                   .column_step = group.filter},
                                  bias == nullptr ? nullptr : bias + g * group.out, args.y.as<T>() + g * group.out);
      set_finish(product, args, g * group.out);
      product.run();
    });
  });
}

void conv_input_grad(const ConvInputGradArgs& args) {
  if (Columns::suits(args.shape, args.weight.shape)) {
    visit_product_math(args.dx.dtype, "conv2d", [&]<class T, class M>() { input_grad_by_columns<M, T>(args); });
    return;
  }
  const GroupSizes group(args.shape, args.weight.shape);
  const auto& [height, width, groups] = args.shape;
  for (int64_t phase = 0; phase < height.stride * width.stride; ++phase) {
    const AxisPhase lines = backward_phase(height, phase / width.stride);
    const AxisPhase columns = backward_phase(width, phase % width.stride);
    GatherShape shape = gather_shape(lines, columns, args.grad.shape, args.dx.shape);
    if (args.shape.is_pointwise()) {
      flatten(shape);
    }
    const std::vector<int64_t> taps = tap_offsets(lines, columns, args.weight.shape);
    const int64_t corner = (lines.first * args.dx.size(2) + columns.first) * args.dx.size(3);
    const GroupLanes lanes{.groups = groups, .in = group.out, .out = group.in};
    visit_product_math(args.dx.dtype, "conv2d", [&]<class T, class M>() {
      if (try_grouped<M, T>(shape, lanes, args.grad,
                            {.data = args.weight.as<T>(),
                             .taps = taps,
                             .group_step = group.out * group.filter,
                             .in_step = group.filter,
                             .out_step = 1},
                            nullptr, args.dx.as<T>() + corner)) {
        return;
      }
      parallel_for(groups, 1, [&](int64_t g, int64_t) {
        GatherProduct<M, T>(shape, args.grad.as<T>() + g * group.out,
                            {.data = args.weight.as<T>() + g * group.out * group.filter,
                             .taps = taps,
                             .depth = group.out,
                             .columns = group.in,
                             .depth_step = group.filter,
                             .column_step = 1},
                            nullptr, args.dx.as<T>() + corner + g * group.in)
            .run();
      });
    });
  }
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(conv, ConvArgs)
LV_CPU_KERNEL(conv_input_grad, ConvInputGradArgs)
