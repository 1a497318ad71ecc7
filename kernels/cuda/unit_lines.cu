#include "kernels/unit_lines.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/unit_lines.cuh"

namespace lv::kernels::cuda {

namespace {

DeviceLines lines_of(const ConstTensorRef& x) { return {x.size(1), x.size(2), x.size(0) * x.size(2)}; }

unsigned line_blocks(const DeviceLines& lines) {
  const int64_t blocks = (lines.count + kWarpsOfLines - 1) / kWarpsOfLines;
  LV_CHECK(blocks <= INT32_MAX, "cuda: {} lines are too many for one launch", lines.count);
  return unsigned(blocks);
}

dim3 line_block() { return dim3(32, kWarpsOfLines); }

}  // namespace

void unit_lines(const UnitLinesArgs& args, Stream stream) {
  visit_floating(args.x.dtype, "unit_lines", [&]<class T>() {
    using A = ComputeType<T>;
    const DeviceLines lines = lines_of(args.x);
    launch(unit_lines_kernel<T>, line_blocks(lines), line_block(), 0, stream, args.x.as<T>(), args.gain.as<A>(),
           A(args.eps), args.y.as<T>(), args.norm.as<A>(), lines);
  });
}

void unit_lines_grad(const UnitLinesGradArgs& args, Stream stream) {
  visit_floating(args.x.dtype, "unit_lines_grad", [&]<class T>() {
    using A = ComputeType<T>;
    const DeviceLines lines = lines_of(args.x);
    launch(unit_lines_grad_kernel<T>, line_blocks(lines), line_block(), 0, stream, args.grad_y.as<T>(), args.x.as<T>(),
           args.gain.as<A>(), args.norm.as<A>(), A(args.eps), args.grad_x.as<T>(), args.grad_gain.as<A>(), lines);
  });
}

void cosine(const CosineArgs& args, Stream stream) {
  visit_floating(args.a.dtype, "cosine", [&]<class T>() {
    using A = ComputeType<T>;
    const DeviceLines lines = lines_of(args.a);
    launch(cosine_kernel<T>, line_blocks(lines), line_block(), 0, stream, args.a.as<T>(), args.b.as<T>(), A(args.eps),
           args.y.as<T>(), args.factors.as<A>(), lines);
  });
}

void cosine_grad(const CosineGradArgs& args, Stream stream) {
  visit_floating(args.a.dtype, "cosine_grad", [&]<class T>() {
    using A = ComputeType<T>;
    const DeviceLines lines = lines_of(args.a);
    const A* factors = args.factors.as<A>();
    const auto launch_side = [&](const ConstTensorRef& own, const ConstTensorRef& other, int own_norm, int other_norm,
                                 const TensorRef& grad) {
      if (grad.defined()) {
        launch(cosine_grad_kernel<T>, line_blocks(lines), line_block(), 0, stream, args.grad_y.as<T>(), own.as<T>(),
               other.as<T>(), factors, factors + own_norm * lines.count, factors + other_norm * lines.count,
               A(args.eps), grad.as<T>(), lines);
      }
    };
    launch_side(args.a, args.b, 1, 2, args.grad_a);
    launch_side(args.b, args.a, 2, 1, args.grad_b);
  });
}

}  // namespace lv::kernels::cuda
