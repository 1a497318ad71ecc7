#include "kernels/cuda/elementwise.plan.h"
#include "kernels/elementwise.h"

namespace lv::kernels::cuda {

namespace {

template <class C>
Scalars<C> scalars_as(const Scalars<double>& scalars) {
  return {C(scalars.a), C(scalars.b)};
}

}  // namespace

void unary(const UnaryArgs& args, Stream stream) {
  visit_floating(args.y.dtype, "unary", [&]<class T>() {
    const auto arrays = plan_elements<T>(args.y, args.x);
    visit_function(args.function, [&]<class F>() {
      launch(unary_kernel<F, T>, element_blocks(arrays.loop.count), kElementThreads, 0, stream, arrays,
             scalars_as<ComputeType<T>>(args.scalars));
    });
  });
}

void unary_gradient(const UnaryGradientArgs& args, Stream stream) {
  visit_floating(args.dx.dtype, "unary_gradient", [&]<class T>() {
    const auto arrays = plan_elements<T>(args.dx, args.grad, args.saved);
    visit_function(args.function, [&]<class F>() {
      launch(unary_gradient_kernel<F, T>, element_blocks(arrays.loop.count), kElementThreads, 0, stream, arrays,
             scalars_as<ComputeType<T>>(args.scalars));
    });
  });
}

}  // namespace lv::kernels::cuda
