#include "kernels/softmax.h"

#include "kernels/cuda/row_launch.h"

namespace lv::kernels::cuda {

void softmax(const SoftmaxArgs& args, Stream stream) {
  visit_floating(args.x.dtype, "softmax", [&]<class T>() {
    const int64_t rows = args.x.size(0);
    const int64_t n = args.x.size(1);
    if (args.x.rank() == 2) {
      launch(softmax_rows_kernel<T>, row_grid(rows, n), row_block(n), 0, stream, rows_of<const T>(args.x),
             rows_of<T>(args.y), rows, n, args.is_log);
    } else {
      launch(softmax_columns_kernel<T>, blocks_for(rows * args.x.size(2)), kElementThreads, 0, stream, args.x.as<T>(),
             args.y.as<T>(), rows, n, args.x.size(2), args.is_log);
    }
  });
}

void softmax_grad(const SoftmaxGradArgs& args, Stream stream) {
  visit_floating(args.y.dtype, "softmax_grad", [&]<class T>() {
    const int64_t rows = args.y.size(0);
    const int64_t n = args.y.size(1);
    if (args.y.rank() == 2) {
      launch(softmax_rows_grad_kernel<T>, row_grid(rows, n), row_block(n), 0, stream, rows_of<const T>(args.grad_y),
             rows_of<const T>(args.y), rows_of<T>(args.grad_x), rows, n, args.is_log);
    } else {
      launch(softmax_columns_grad_kernel<T>, blocks_for(rows * args.y.size(2)), kElementThreads, 0, stream,
             args.grad_y.as<T>(), args.y.as<T>(), args.grad_x.as<T>(), rows, n, args.y.size(2), args.is_log);
    }
  });
}

}  // namespace lv::kernels::cuda
