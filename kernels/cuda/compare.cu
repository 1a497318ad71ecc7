#include "kernels/cuda/compare.cuh"

#include "kernels/compare.h"
#include "kernels/cuda/launch.h"

namespace lv::kernels::cuda {

namespace {

Strides strides_or_zero(const ConstTensorRef& array, int rank) {
  return array.defined() ? array.strides : Strides::filled(rank, 0);
}

}  // namespace

void compare(const CompareArgs& args, Stream stream) {
  const int rank = args.y.rank();
  const auto loop = plan_strided<3>(args.y.shape, {args.a.strides, strides_or_zero(args.b, rank), args.y.strides});
  visit_any(args.a.dtype, [&]<class T>() {
    visit_comparison(args.comparison, [&]<class F>() {
      launch(compare_kernel<F, T>, blocks_for(loop.count), kElementThreads, 0, stream, args.a.as<T>(), args.b.as<T>(),
             convert<T>(args.scalar), args.y.as<bool>(), loop);
    });
  });
}

void select(const SelectArgs& args, Stream stream) {
  const int rank = args.y.rank();
  const auto loop = plan_strided<4>(
      args.y.shape, {args.mask.strides, strides_or_zero(args.a, rank), strides_or_zero(args.b, rank), args.y.strides});
  visit_word(args.y.dtype, [&]<class Word>() {
    launch(select_kernel<Word>, blocks_for(loop.count), kElementThreads, 0, stream, args.mask.as<bool>(),
           args.a.as<Word>(), args.b.as<Word>(), word_of<Word>(args.fill, args.y.dtype), args.y.as<Word>(), loop);
  });
}

}  // namespace lv::kernels::cuda
