#include "kernels/gemm.h"

#include "kernels/copy.h"
#include "kernels/cuda/native/handles.h"
#include "kernels/strided.h"

namespace lv::kernels::cuda {

namespace {

cudaDataType_t data_type(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return CUDA_R_64F;
    case DType::f16:
      return CUDA_R_16F;
    case DType::bf16:
      return CUDA_R_16BF;
    default:
      return CUDA_R_32F;
  }
}

/// How cuBLAS, which reads column by column, is told of a row-major matrix: the memory of rows with contiguous columns
/// is the transpose that the product needs.
struct Operand {
  cublasOperation_t operation;
  int64_t step;
  int64_t batch_step;

  Operand(const ConstTensorRef& matrix, std::string_view name) : batch_step(matrix.strides[0]) {
    const int64_t rows = matrix.size(1);
    const int64_t columns = matrix.size(2);
    const bool has_rows = columns == 1 || matrix.strides[2] == 1;
    const bool has_columns = rows == 1 || matrix.strides[1] == 1;
    LV_CHECK_SHAPE(
        has_rows || has_columns,
        "matmul: on CUDA {} needs one axis with contiguous elements, got shape {} strides {}; pass ops::contiguous",
        name, matrix.shape, matrix.strides);
    operation = has_rows ? CUBLAS_OP_N : CUBLAS_OP_T;
    step = has_rows ? std::max(matrix.strides[1], columns) : std::max(matrix.strides[2], rows);
  }
};

}  // namespace

void gemm(const GemmArgs& args, Stream stream) {
  const int64_t m = args.c.size(1);
  const int64_t n = args.c.size(2);
  const int64_t k = args.a.size(2);
  if (args.c.numel() == 0) {
    return;
  }
  const Operand a(args.a, "a");
  const Operand b(args.b, "b");
  const bool is_double = args.c.dtype == DType::f64;
  const TensorRef& product = args.before.defined() ? args.before : args.c;
  if (args.bias.defined()) {
    copy({.x = expanded(args.bias, args.c.shape), .y = product}, stream);
  }
  const double one = 1;
  const double start = args.bias.defined() ? 1 : 0;
  const auto one_f = float(one);
  const auto start_f = float(start);
  const cudaDataType_t type = data_type(args.c.dtype);
  // c^T = b^T a^T, column by column.
  LV_CUBLAS(cublasGemmStridedBatchedEx_64(
      cublas_handle(stream), b.operation, a.operation, n, m, k,
      is_double ? static_cast<const void*>(&one) : static_cast<const void*>(&one_f), args.b.data, type, b.step,
      b.batch_step, args.a.data, type, a.step, a.batch_step,
      is_double ? static_cast<const void*>(&start) : static_cast<const void*>(&start_f), product.data, type, n, m * n,
      args.c.size(0), is_double ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  if (args.activation) {
    unary({.function = *args.activation, .scalars = {}, .x = product, .y = args.c}, stream);
  }
}

}  // namespace lv::kernels::cuda
