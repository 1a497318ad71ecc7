#include <vector>

#include "kernels/conv.h"
#include "kernels/cpu/columns.h"
#include "kernels/cpu/conv_phases.h"
#include "kernels/cpu/grouped_outer.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/outer_product.h"

namespace lv::kernels::cpu::LV_ISA {

namespace {

template <class T>
PixelArray<T> pixels_of(const ConstTensorRef& array, int64_t first_channel, int64_t channels) {
  return {.data = array.as<T>() + first_channel,
          .lines = array.size(1),
          .columns = array.size(2),
          .step = array.size(3),
          .channels = channels,
          .pixels = array.size(0) * array.size(1) * array.size(2)};
}

}  // namespace

void conv_weight_grad(const ConvWeightGradArgs& args) {
  const auto& [height, width, groups] = args.shape;
  const int64_t in = args.dweight.size(3);
  const int64_t out = args.dweight.size(0) / groups;
  visit_product_math(args.dweight.dtype, "conv2d", [&]<class T, class M>() {
    if (args.grad.numel() == 0) {
      std::fill_n(args.dweight.as<T>(), args.dweight.numel(), T(0.0F));
      return;
    }
    const GatherShape forward = forward_shape(args.shape, args.x.shape, args.grad.shape);
    const GroupLanes lanes{.groups = groups, .in = in, .out = out};
    if (lanes.fit<PlainMath<ComputeType<T>>>()) {
      GroupedOuterProduct<M, T>(args.shape, lanes, args.x.size(0), pixels_of<T>(args.x, 0, groups * in),
                                pixels_of<T>(args.grad, 0, groups * out))
          .run(args.dweight.as<T>());
      return;
    }
    if (Columns::suits(args.shape, args.dweight.shape)) {
      weight_grad_by_columns<T>(args);
      return;
    }
    parallel_for(groups, 1, [&](int64_t g, int64_t) {
      T* dweight = args.dweight.as<T>() + g * args.dweight.numel() / groups;
      if (args.shape.is_pointwise()) {
        const int64_t pixels = args.grad.numel() / args.grad.size(3);
        outer_product<M>(args.grad.as<T>() + g * out, groups * out, out, args.x.as<T>() + g * in, groups * in, in,
                         pixels, dweight);
        return;
      }
      const OuterShape<T> shape{.grad = pixels_of<T>(args.grad, g * out, out),
                                .x = pixels_of<T>(args.x, g * in, in),
                                .images = args.x.size(0),
                                .line_step = height.stride,
                                .column_step = width.stride,
                                .taps = forward.taps};
      OuterProduct<M, T>(shape).run(dweight);
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(conv_weight_grad, ConvWeightGradArgs)
