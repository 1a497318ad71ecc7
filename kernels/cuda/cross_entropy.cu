#include "kernels/cross_entropy.h"

#include "kernels/cuda/cross_entropy.cuh"
#include "kernels/cuda/row_launch.h"

namespace lv::kernels::cuda {

namespace {

constexpr int kSumThreads = 256;

template <class T>
CrossEntropyProblem<T> problem_of(const CrossEntropyInputs& in) {
  using A = ComputeType<T>;
  const int64_t classes = in.logits.size(1);
  return {rows_of<const T>(in.logits),
          rows_of<const T>(in.targets),
          in.labels.as<int64_t>(),
          in.weight.as<A>(),
          in.logits.size(0),
          classes,
          in.ignore_index,
          A(1 - in.smoothing),
          A(in.smoothing / double(classes))};
}

}  // namespace

void cross_entropy(const CrossEntropyArgs& args, Stream stream) {
  visit_floating(args.in.logits.dtype, "cross_entropy", [&]<class T>() {
    using A = ComputeType<T>;
    const CrossEntropyProblem<T> problem = problem_of<T>(args.in);
    A* losses = args.row_losses.as<A>();
    launch(cross_entropy_kernel<T>, row_grid(problem.rows, problem.classes), row_block(problem.classes), 0, stream,
           problem, args.normalizers.as<A>(), losses);
    if (args.total.defined()) {
      const int64_t chunk_rows = loss_chunk_rows(problem.classes);
      const int64_t chunks = (problem.rows + chunk_rows - 1) / chunk_rows;
      A* partials = args.partials.as<A>();
      launch(cross_entropy_chunk_kernel<T>, unsigned(chunks), kSumThreads, 0, stream, problem,
             static_cast<const A*>(losses), chunk_rows, partials);
      launch(cross_entropy_total_kernel<A>, 1, kSumThreads, 0, stream, static_cast<const A*>(partials), chunks,
             args.is_mean, args.total.as<A>());
    }
  });
}

void cross_entropy_grad(const CrossEntropyGradArgs& args, Stream stream) {
  visit_floating(args.in.logits.dtype, "cross_entropy_grad", [&]<class T>() {
    using A = ComputeType<T>;
    const CrossEntropyProblem<T> problem = problem_of<T>(args.in);
    launch(cross_entropy_grad_kernel<T>, row_grid(problem.rows, problem.classes), row_block(problem.classes), 0, stream,
           problem, args.normalizers.as<A>(), args.grad_loss.as<T>(), args.grad_loss.strides[0], args.divisor.as<A>(),
           args.grad_logits.as<T>(), args.grad_targets.as<T>());
  });
}

}  // namespace lv::kernels::cuda
