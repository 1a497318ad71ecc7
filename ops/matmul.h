#pragma once

#include "core/tensor.h"

namespace lv::ops {

/// What a product and its bias pass through in the same kernel.
enum class Activation : uint8_t { none, relu, silu, gelu, gelu_tanh };

/// Matrix products activation(a b + bias) over broadcast batch axes. a: [.., M, K], b: [.., K, N], bias: [N] or absent,
/// one floating dtype, any layouts (a transposed view costs no copy) -> [.., M, N]. Differentiable. Throws ShapeError,
/// DTypeError.
Tensor matmul(const Tensor& a, const Tensor& b, const Tensor& bias = {}, Activation activation = Activation::none);

/// activation(x weight^T + bias). x: [.., rows, in], weight: [out, in], bias: [out] or absent, one floating dtype ->
/// [.., rows, out]. Differentiable. Throws ShapeError, DTypeError.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, Activation activation = Activation::none);

/// The sum over all rows of the outer products of u's and v's rows: a linear layer's weight gradient.
/// u: [.., rows, P], v: [.., rows, Q] with the same leading axes, one floating dtype -> [P, Q]. Differentiable. Throws
/// ShapeError, DTypeError.
Tensor outer_sum(const Tensor& u, const Tensor& v);

}  // namespace lv::ops
