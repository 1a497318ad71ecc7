#include <vector>

#include "kernels/conv.h"
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

/// The same pixels in lines of another length.
template <class T>
void rearrange(PixelArray<T>& array, int64_t columns) {
  array.columns = std::min(columns, array.pixels);
  array.lines = chunk_count(array.pixels, array.columns);
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
      GroupedOuterProduct<T>(forward, lanes, args.x.as<T>(), args.grad.as<T>()).run(args.dweight.as<T>());
      return;
    }
    parallel_for(groups, 1, [&](int64_t g, int64_t) {
      OuterShape<T> shape{.grad = pixels_of<T>(args.grad, g * out, out),
                          .x = pixels_of<T>(args.x, g * in, in),
                          .images = args.x.size(0),
                          .line_step = height.stride,
                          .column_step = width.stride,
                          .taps = forward.taps};
      if (args.shape.is_pointwise()) {
        constexpr int64_t kLine = 256;
        rearrange(shape.grad, kLine);
        rearrange(shape.x, kLine);
        shape.images = 1;
      }
      OuterProduct<M, T>(shape).run(args.dweight.as<T>() + g * out * args.dweight.numel() / args.dweight.size(0));
    });
  });
}

}  // namespace lv::kernels::cpu::LV_ISA

LV_CPU_KERNEL(conv_weight_grad, ConvWeightGradArgs)
