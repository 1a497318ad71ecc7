#include "kernels/cuda/attention.cuh"

#include "kernels/cuda/launch.h"

namespace lv::kernels::cuda {

namespace {

template <class T>
DeviceTerms<T> device_terms(const AttentionTerms& terms) {
  DeviceTerms<T> result{terms.bias.as<T>(), terms.mask.as<bool>(), {}, {}};
  for (int axis = 0; axis < 4; ++axis) {
    result.bias_strides[axis] = terms.bias.defined() ? terms.bias.strides[axis] : 0;
    result.mask_strides[axis] = terms.mask.defined() ? terms.mask.strides[axis] : 0;
  }
  return result;
}

dim3 grid_of(const AttentionShape& shape, int64_t rows) {
  return dim3(unsigned((rows + kAttentionWarps - 1) / kAttentionWarps), unsigned(shape.batch * shape.heads));
}

/// Bytes of two tiles and of `rows` rows for each warp.
size_t shared_bytes(const AttentionShape& shape, int64_t rows, size_t element) {
  return size_t(2 * kTileRows * (shape.dim + 1) + kAttentionWarps * rows * shape.dim) * element;
}

}  // namespace

void attention(const AttentionArgs& args, Stream stream) {
  visit_floating(args.q.dtype, "attention", [&]<class T>() {
    using S = ComputeType<T>;
    launch(attention_kernel<T, S>, grid_of(args.shape, args.shape.queries), kAttentionThreads,
           shared_bytes(args.shape, 1, sizeof(S)), stream, args.q.as<T>(), args.k.as<T>(), args.v.as<T>(),
           device_terms<T>(args.terms), args.o.as<T>(), args.lse.as<S>(), args.shape);
  });
}

void attention_backward(const AttentionBackwardArgs& args, Stream stream) {
  const AttentionShape& shape = args.shape;
  const int64_t rows = shape.batch * shape.heads * shape.queries;
  visit_floating(args.q.dtype, "attention", [&]<class T>() {
    using S = ComputeType<T>;
    const T* grad = args.grad.as<T>();
    const T* q = args.q.as<T>();
    const T* k = args.k.as<T>();
    const T* v = args.v.as<T>();
    const S* lse = args.lse.as<S>();
    S* delta = args.delta.as<S>();
    const auto terms = device_terms<T>(args.terms);
    const size_t bytes = shared_bytes(shape, 2, sizeof(S));
    launch(attention_delta_kernel<T, S>, unsigned((rows + kAttentionWarps - 1) / kAttentionWarps), kAttentionThreads, 0,
           stream, grad, args.o.as<T>(), delta, shape);
    launch(attention_query_kernel<T, S>, grid_of(shape, shape.queries), kAttentionThreads, bytes, stream, grad, q, k, v,
           terms, lse, delta, args.dq.as<T>(), args.dbias.as<T>(), shape);
    launch(attention_key_kernel<T, S>, grid_of(shape, shape.keys), kAttentionThreads, bytes, stream, grad, q, k, v,
           terms, lse, delta, args.dk.as<T>(), args.dv.as<T>(), shape);
  });
}

}  // namespace lv::kernels::cuda
