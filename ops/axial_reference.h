#pragma once

#include "kernels/axial_attention.h"
#include "ops/axial_attention.h"

// Axial attention composed of other ops, with all logits stored.

namespace lv::ops {

/// qkv: [N, H, W, channels]; table_columns: of `relative`.
kernels::AxialShape axial_shape(const Shape& qkv, int64_t table_columns, const AxialTerms& terms);

/// Inputs of AxialAttention and what its options add.
struct AxialInputs {
  Tensor qkv, relative, weight, bias, mean, variance;
  double scale = 1;
  double eps = 0;
};

/// The outputs of AxialAttention, by its reference.
TensorList axial_reference(const AxialInputs& in, const AxialTerms& terms);

}  // namespace lv::ops
