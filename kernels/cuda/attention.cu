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

/// Bytes of two tiles and of `own` elements for each warp.
size_t shared_bytes(const AttentionShape& shape, int64_t own, size_t element) {
  return size_t(kTileRows * (shape.dim + shape.value_dim + 2) + kAttentionWarps * own) * element;
}

/// The rows of an optional gradient.
template <class T>
HeadRows<T> optional_rows(const TensorRef& gradient) {
  return gradient.defined() ? head_rows<T>(gradient) : HeadRows<T>{};
}

}  // namespace

void attention(const AttentionArgs& args, Stream stream) {
  visit_floating(args.q.dtype, "attention", [&]<class T>() {
    using S = ComputeType<T>;
    launch(attention_kernel<T, S>, grid_of(args.shape, args.shape.queries), kAttentionThreads,
           shared_bytes(args.shape, args.shape.dim, sizeof(S)), stream, head_rows<const T>(args.q),
           head_rows<const T>(args.k), head_rows<const T>(args.v), device_terms<T>(args.terms), head_rows<T>(args.o),
           args.lse.as<S>(), args.shape);
  });
}

void attention_backward(const AttentionBackwardArgs& args, Stream stream) {
  const AttentionShape& shape = args.shape;
  const int64_t rows = shape.batch * shape.heads * shape.queries;
  visit_floating(args.q.dtype, "attention", [&]<class T>() {
    using S = ComputeType<T>;
    const auto grad = head_rows<const T>(args.grad);
    const auto q = head_rows<const T>(args.q);
    const auto k = head_rows<const T>(args.k);
    const auto v = head_rows<const T>(args.v);
    const S* lse = args.lse.as<S>();
    S* delta = args.delta.as<S>();
    const auto terms = device_terms<T>(args.terms);
    const size_t bytes = shared_bytes(shape, shape.dim + shape.value_dim, sizeof(S));
    launch(attention_delta_kernel<T, S>, unsigned((rows + kAttentionWarps - 1) / kAttentionWarps), kAttentionThreads, 0,
           stream, grad, head_rows<const T>(args.o), delta, shape);
    if (args.dq.defined() || args.dbias.defined()) {
      launch(attention_query_kernel<T, S>, grid_of(shape, shape.queries), kAttentionThreads, bytes, stream, grad, q, k,
             v, terms, lse, delta, optional_rows<T>(args.dq), args.dbias.as<T>(), shape);
    }
    if (args.dk.defined() || args.dv.defined()) {
      launch(attention_key_kernel<T, S>, grid_of(shape, shape.keys), kAttentionThreads, bytes, stream, grad, q, k, v,
             terms, lse, delta, optional_rows<T>(args.dk), optional_rows<T>(args.dv), shape);
    }
  });
}

}  // namespace lv::kernels::cuda
