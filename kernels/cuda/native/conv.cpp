#include "kernels/conv.h"

#include "core/allocator.h"
#include "core/cuda/driver.h"
#include "kernels/copy.h"
#include "kernels/cuda/native/handles.h"
#include "kernels/elementwise.h"
#include "kernels/strided.h"

namespace lv::kernels::cuda {

namespace {

/// A library descriptor that is destroyed with its scope.
template <class Handle, auto kCreate, auto kDestroy>
class Descriptor {
 public:
  Descriptor() { LV_CUDNN(kCreate(&handle_)); }
  ~Descriptor() { kDestroy(handle_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator Handle() const { return handle_; }  // NOLINT(google-explicit-constructor)

 private:
  Handle handle_ = nullptr;
};

using TensorDescriptor = Descriptor<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;
using FilterDescriptor = Descriptor<cudnnFilterDescriptor_t, cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor>;
using ConvDescriptor =
    Descriptor<cudnnConvolutionDescriptor_t, cudnnCreateConvolutionDescriptor, cudnnDestroyConvolutionDescriptor>;

cudnnDataType_t data_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return CUDNN_DATA_FLOAT;
    case DType::f16:
      return CUDNN_DATA_HALF;
    case DType::bf16:
      return CUDNN_DATA_BFLOAT16;
    default:
      fail<DTypeError>("conv2d: on CUDA takes f32, f16 and bf16, got {}", dtype);
  }
}

/// The descriptors of one convolution.
struct Problem {
  TensorDescriptor x, y;
  FilterDescriptor weight;
  ConvDescriptor conv;

  Problem(const ConstTensorRef& x_ref, const ConstTensorRef& weight_ref, const ConstTensorRef& y_ref,
          const ConvShape& shape) {
    const cudnnDataType_t type = data_type(x_ref.dtype);
    set(x, x_ref, type);
    set(y, y_ref, type);
    LV_CUDNN(cudnnSetFilter4dDescriptor(weight, type, CUDNN_TENSOR_NHWC, int(weight_ref.size(0)),
                                        int(weight_ref.size(3)), int(weight_ref.size(1)), int(weight_ref.size(2))));
    const auto& [height, width, groups] = shape;
    LV_CUDNN(cudnnSetConvolution2dDescriptor(conv, int(height.padding), int(width.padding), int(height.stride),
                                             int(width.stride), int(height.dilation), int(width.dilation),
                                             CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
    LV_CUDNN(cudnnSetConvolutionGroupCount(conv, int(groups)));
    LV_CUDNN(cudnnSetConvolutionMathType(conv, type == CUDNN_DATA_FLOAT ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH));
  }

 private:
  static void set(const TensorDescriptor& descriptor, const ConstTensorRef& array, cudnnDataType_t type) {
    LV_CUDNN(cudnnSetTensor4dDescriptor(descriptor, CUDNN_TENSOR_NHWC, type, int(array.size(0)), int(array.size(3)),
                                        int(array.size(1)), int(array.size(2))));
  }
};

/// Memory for one library call, ordered on its stream.
class Workspace {
 public:
  Workspace(size_t bytes, Stream stream)
      : memory_(allocator(stream.device)), data_(bytes == 0 ? nullptr : memory_.allocate(int64_t(bytes), stream)) {}
  ~Workspace() { memory_.release(data_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  [[nodiscard]] void* data() const { return data_; }

 private:
  Allocator& memory_;
  void* data_;
};

/// The library's first choice among the algorithms that give the same bits every time.
template <class Performance, class Find>
Performance choose(Find&& find) {
  constexpr int kMost = 8;
  Performance found[kMost];
  int count = 0;
  LV_CUDNN(find(kMost, &count, found));
  for (int i = 0; i < count; ++i) {
    if (found[i].status == CUDNN_STATUS_SUCCESS && found[i].determinism == CUDNN_DETERMINISTIC) {
      return found[i];
    }
  }
  fail<CudaError>("conv2d: cuDNN has no deterministic algorithm for this convolution");
}

/// y = bias + residual, to which the products are added; false where neither is given.
bool start_results(const ConvArgs& args, Stream stream) {
  if (!args.bias.defined()) {
    if (args.residual.defined()) {
      copy({.x = args.residual, .y = args.y}, stream);
    }
    return args.residual.defined();
  }
  const ConstTensorRef bias = expanded(args.bias, args.y.shape);
  if (args.residual.defined()) {
    binary({.function = BinaryFunction::add, .a = bias, .b = args.residual, .y = args.y}, stream);
  } else {
    copy({.x = bias, .y = args.y}, stream);
  }
  return true;
}

constexpr float kOne = 1;
constexpr float kZero = 0;

}  // namespace

void conv(const ConvArgs& args, Stream stream) {
  if (args.y.numel() == 0) {
    return;
  }
  const cudnnHandle_t handle = cudnn_handle(stream);
  const Problem problem(args.x, args.weight, args.y, args.shape);
  const auto algorithm = choose<cudnnConvolutionFwdAlgoPerf_t>([&](int most, int* count, auto* found) {
    return cudnnGetConvolutionForwardAlgorithm_v7(handle, problem.x, problem.weight, problem.conv, problem.y, most,
                                                  count, found);
  });
  const bool is_started = start_results(args, stream);
  const Workspace workspace(algorithm.memory, stream);
  LV_CUDNN(cudnnConvolutionForward(handle, &kOne, problem.x, args.x.data, problem.weight, args.weight.data,
                                   problem.conv, algorithm.algo, workspace.data(), algorithm.memory,
                                   is_started ? &kOne : &kZero, problem.y, args.y.data));
  if (args.relu) {
    unary({.function = UnaryFunction::relu, .scalars = {}, .x = args.y, .y = args.y}, stream);
  }
}

void conv_input_grad(const ConvInputGradArgs& args, Stream stream) {
  if (args.dx.numel() == 0) {
    return;
  }
  const cudnnHandle_t handle = cudnn_handle(stream);
  const Problem problem(args.dx, args.weight, args.grad, args.shape);
  const auto algorithm = choose<cudnnConvolutionBwdDataAlgoPerf_t>([&](int most, int* count, auto* found) {
    return cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, problem.weight, problem.y, problem.conv, problem.x, most,
                                                       count, found);
  });
  const Workspace workspace(algorithm.memory, stream);
  LV_CUDNN(cudnnConvolutionBackwardData(handle, &kOne, problem.weight, args.weight.data, problem.y, args.grad.data,
                                        problem.conv, algorithm.algo, workspace.data(), algorithm.memory, &kZero,
                                        problem.x, args.dx.data));
}

void conv_weight_grad(const ConvWeightGradArgs& args, Stream stream) {
  if (args.dweight.numel() == 0) {
    return;
  }
  if (args.x.numel() == 0) {
    lv::cuda::memset_async(args.dweight.data, 0, args.dweight.numel() * size_bytes(args.dweight.dtype), stream);
    return;
  }
  const cudnnHandle_t handle = cudnn_handle(stream);
  const Problem problem(args.x, args.dweight, args.grad, args.shape);
  const auto algorithm = choose<cudnnConvolutionBwdFilterAlgoPerf_t>([&](int most, int* count, auto* found) {
    return cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, problem.x, problem.y, problem.conv, problem.weight,
                                                         most, count, found);
  });
  const Workspace workspace(algorithm.memory, stream);
  LV_CUDNN(cudnnConvolutionBackwardFilter(handle, &kOne, problem.x, args.x.data, problem.y, args.grad.data,
                                          problem.conv, algorithm.algo, workspace.data(), algorithm.memory, &kZero,
                                          problem.weight, args.dweight.data));
}

}  // namespace lv::kernels::cuda
