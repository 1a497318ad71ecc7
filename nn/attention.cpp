#include "nn/attention.h"

#include <cmath>

#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/shape.h"
#include "ops/softmax.h"

namespace lv::nn {

MultiHeadAttention::MultiHeadAttention(int64_t channels, int heads, bool has_qkv_bias)
    : qkv(channels, 3 * channels, has_qkv_bias), proj(channels, channels), heads_(heads) {
  LV_CHECK_SHAPE(heads > 0 && channels % heads == 0, "MultiHeadAttention: {} heads do not divide {} channels", heads,
                 channels);
  add("qkv", qkv);
  add("proj", proj);
}

std::array<Tensor, 3> MultiHeadAttention::project(const Tensor& x) const {
  const Tensor projected = qkv.forward(x);
  const int64_t channels = projected.size(-1) / 3;
  const auto parts = ops::split(projected, channels, -1);
  const Shape by_head{projected.size(0), projected.size(1), heads_, channels / heads_};
  return {ops::view(parts[0], by_head), ops::view(parts[1], by_head), ops::view(parts[2], by_head)};
}

Tensor MultiHeadAttention::forward(const Tensor& x) const {
  return run_layer("MultiHeadAttention", x, [&] {
    const auto [q, k, v] = project(x);
    return proj.forward(ops::view(ops::scaled_dot_product_attention(q, k, v), x.shape()));
  });
}

int64_t MultiHeadAttention::multiply_adds(const Shape& input, const Shape& /*output*/) const {
  return 2 * input[1] * numel(input);  // scores and weighted sums, each [L, L] with C products
}

Tensor MultiHeadAttention::attention(const Tensor& x) const {
  const auto [q, k, v] = project(x);
  const double scale = 1.0 / std::sqrt(double(q.size(-1)));
  return ops::softmax(ops::matmul(ops::transpose(q, 1, 2) * scale, ops::permute(k, {0, 2, 3, 1})));
}

}  // namespace lv::nn
